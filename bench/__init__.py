"""Side-by-side measurements: what the program needs, beside what the network and the disk below it need.

`python -m bench` runs all, `python -m bench NAME…` some, `--quick` with less of everything. A *figure* is one number
with the raw one beside it, measured in the same run on the same Tors. Results go to `bench/results.json`, and
`python -m bench.page` makes docs/performance.md of them. The one rule: nothing is measured that was not also checked.
"""
