"""People whose recovery words are known, and what their devices may come to."""

from onionchat.crypto.vault import Cost
from onionchat.identity.account import make_remove
from onionchat.kinds.account import Card
from onionchat.node.profile import create_profile
from onionchat.node.recovering import Recovery
from onionchat.store.people import add_statements
from onionchat.testing.nodes import PASSPHRASE, Actor


def add_with_words(world, name):
    """A person whose recovery words are known: they are `.words`."""

    def found(actor):
        actor.words = " ".join(create_profile(actor.folder, name, PASSPHRASE, "keep", Cost.TESTS, actor.random))

    actor = Actor(world, name, len(world.actors) + 1, found)
    world.actors.append(actor)
    return actor


def recover(actor, words, stolen=(), retired=(), keep=()):
    """Stop its node, recover, start it again."""
    actor.stop()
    recovery = Recovery(actor.folder, PASSPHRASE, words, Cost.TESTS, actor.random)
    try:
        removals = {recovery.find(name).id: "stolen" for name in stolen}
        removals |= {recovery.find(name).id: "retired" for name in retired}
        done = recovery.carry_out(removals, {recovery.find(name).id for name in keep})
    finally:
        recovery.close()
    actor.start()
    actor.world.pass_time(30)
    return done


def say(actor, *statements):
    """Statements of the account's, committed by one of its devices."""
    node, account = actor.node, actor.node.own.account
    if node.book.is_out:  # it writes no entries any more
        actor.world.wait(node.store.write(lambda c: add_statements(c, account, statements)))
        node.accounts.changed(account)
    else:
        actor.world.wait(node.append_self([Card(account, statements, ())]))
    actor.world.pass_time(10)


def removal(by, target, reason="retired", heads=None):
    node = by.node
    heads = node.book.own_roster.heads if heads is None else heads
    return make_remove(node.own.account, heads, target.node.own.device, reason, (), (), node.own.identity)


def notices(actor, name):
    return [line.text for line in actor.log(name, limit=200) if line.kind == "notice"]


def active(actor, name):
    return {device.id for device in actor.contact(name).devices}
