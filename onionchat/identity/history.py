"""What counts of a set of statements, and who had seen what: rule 1 of the fold (docs/spec/identity.md).

Nothing here says who is a member; it only bounds the work and makes the questions of the fold cheap to ask.
"""

from collections import defaultdict
from collections.abc import Iterable

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.identity.statements import Add, Genesis, Remove, Statement, with_cuts
from onionchat.ids import AccountId, StatementId

RECOVERY_LEVEL = -1  # nearer to the genesis than any device


class History:
    """The statements of one account that count, and their order as far as they have one.

    `counted` is sorted by distance from the genesis, then id; `ignored` are the others, which may count when more
    statements are known. `level` is the distance of a signer from the genesis (the recovery key is nearest).
    `is_overfull`: a cap cut off statements of someone who may be a member. No honest device comes near it.
    """

    def __init__(self, statements: Iterable[Statement], account: AccountId | None = None) -> None:
        known = _merged(statements)
        self.genesis, self.account = _genesis(known.values(), account)
        body = self.genesis.body
        assert isinstance(body, Genesis)
        self.recovery_public = body.recovery
        self.is_overfull = False
        self.level: dict[bytes, int] = {body.device: 0}
        if body.recovery is not None:
            self.level[body.recovery] = RECOVERY_LEVEL
        self.counted: tuple[Statement, ...] = (self.genesis, *self._without_surplus_removals(self._chosen(known)))
        ids = {statement.id for statement in self.counted}
        self.ignored = tuple(known[id_] for id_ in sorted(known) if id_ not in ids)
        self._bit = {statement.id: 1 << index for index, statement in enumerate(self.counted)}
        self._seen = self._ancestry()

    def is_recovery(self, statement: Statement) -> bool:
        """Whether the recovery key signed it."""
        return statement.signer == self.recovery_public

    def has_seen(self, later: Statement, earlier: Statement) -> bool:
        """Whether the signer of `later` knew `earlier`, as far as known statements show."""
        return bool(self._seen[later.id] & self._bit[earlier.id])

    def past_size(self, statement: Statement) -> int:
        """How many statements it has seen: less than any that has seen it."""
        return self._seen[statement.id].bit_count()

    def heads(self) -> tuple[StatementId, ...]:
        """What a new statement has to name, the more important ones first."""
        named = {head for statement in self.counted for head in statement.heads}
        return tuple(statement.id for statement in self.counted if statement.id not in named)[: limits.HEADS_MAX]

    def _chosen(self, known: dict[StatementId, Statement]) -> list[Statement]:
        """Level by level: the statements of devices that somebody had admitted, within the caps."""
        by_signer: dict[bytes, list[Statement]] = defaultdict(list)
        for id_ in sorted(known.keys() - {self.genesis.id}):
            by_signer[known[id_].signer].append(known[id_])
        kept, gone = self._overruled(by_signer)
        room = limits.STATEMENTS_PER_ACCOUNT_MAX - 1
        chosen: list[Statement] = []
        waiting = set(self.level)
        while waiting:
            level = min(self.level[signer] for signer in waiting)
            ring = {signer for signer in waiting if self.level[signer] == level}
            found = sorted((s for signer in ring for s in self._within_cap(by_signer[signer], kept, gone)), key=_by_id)
            self.is_overfull |= len(found) > room
            chosen += found[:room]
            admitting = [s for s in found[:room] if isinstance(s.body, Add) and (s.signer not in gone or s.id in kept)]
            fresh = {s.subject for s in admitting} - self.level.keys()
            self.level.update(dict.fromkeys(fresh, level + 1))
            room -= len(found[:room])
            waiting = waiting - ring | fresh
        for statement in chosen:  # devices of which nothing counts have their place too
            self.level.setdefault(statement.subject, self.level[statement.signer] + 1)
        return sorted(chosen, key=lambda s: (self.level[s.signer], s.id))

    def _without_surplus_removals(self, chosen: list[Statement]) -> list[Statement]:
        removals = [statement for statement in chosen if isinstance(statement.body, Remove)]
        surplus = {statement.id for statement in removals[limits.REMOVALS_PER_ACCOUNT_MAX :]}
        self.is_overfull |= bool(surplus)
        return [statement for statement in chosen if statement.id not in surplus]

    def _overruled(self, by_signer: dict[bytes, list[Statement]]) -> tuple[frozenset[bytes], frozenset[bytes]]:
        """What the recovery key keeps, and the devices that it removed for good: their flood is no one's flood."""
        if self.recovery_public is None:
            return frozenset(), frozenset()
        spoken = by_signer[self.recovery_public][: limits.STATEMENTS_PER_SIGNER_MAX]
        kept = frozenset(id_ for s in spoken if isinstance(s.body, Remove) for id_ in s.body.keeps)
        gone = {s.subject for s in spoken if isinstance(s.body, Remove)}
        return kept, frozenset(gone - {s.subject for s in spoken if isinstance(s.body, Add)})

    def _within_cap(self, said: list[Statement], kept: frozenset[bytes], gone: frozenset[bytes]) -> list[Statement]:
        """Of one signer: what the recovery key keeps, then the lowest ids."""
        self.is_overfull |= len(said) > limits.STATEMENTS_PER_SIGNER_MAX and said[0].signer not in gone
        return sorted(said, key=lambda s: s.id not in kept)[: limits.STATEMENTS_PER_SIGNER_MAX]

    def _ancestry(self) -> dict[StatementId, int]:
        """For each statement the set of those that it has seen, as bits. Heads are hashes, so there is no circle."""
        by_id = {statement.id: statement for statement in self.counted}
        seen: dict[StatementId, int] = {}
        for start in self.counted:
            stack = [start]
            while stack:
                statement = stack[-1]
                heads = [by_id[StatementId(head)] for head in statement.heads if head in by_id]
                waiting = [head for head in heads if head.id not in seen]
                if waiting:
                    stack += waiting
                    continue
                mask = 0
                for head in heads:
                    mask |= seen[head.id] | self._bit[head.id]
                seen[statement.id] = mask
                stack.pop()
        return seen


def _merged(statements: Iterable[Statement]) -> dict[StatementId, Statement]:
    """One statement an id: copies differ in signatures (the least stays) and in opened cuts (all are joined)."""
    merged: dict[StatementId, Statement] = {}
    for statement in statements:
        other = merged.get(statement.id)
        if other is not None and other.raw != statement.raw:
            plain = min(with_cuts(other, ()), with_cuts(statement, ()), key=lambda s: s.raw)
            statement = with_cuts(plain, (*other.cuts, *statement.cuts))
        merged[statement.id] = statement
    return merged


def _genesis(statements: Iterable[Statement], account: AccountId | None) -> tuple[Statement, AccountId]:
    founders = [statement for statement in statements if isinstance(statement.body, Genesis)]
    if len(founders) != 1:
        raise RemoteError("statements of an account need one genesis among them, and no other")
    founded = founders[0].account
    if any(statement.account != founded for statement in statements):
        raise RemoteError("a statement of another account")
    if account is not None and account != founded:
        raise RemoteError("statements of another account")
    return founders[0], founded


def _by_id(statement: Statement) -> StatementId:
    return statement.id
