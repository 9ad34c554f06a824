"""Every cap, with its reason. Layer 0. Units are in the names."""

KIB = 1024
MIB = 1024 * KIB

# --- text and names -------------------------------------------------------------------------------
NAME_MAX_CHARACTERS = 64  # fits a list column; long names are an attack on the screen
TEXT_MAX_BYTES = 32 * KIB  # a message a person reads; longer things are files
GREETING_MAX_CHARACTERS = 500  # a stranger's only text before acceptance
EMOJI_MAX_BYTES = 64  # the longest ZWJ family with skin tones is 41 bytes

# --- entries and batches --------------------------------------------------------------------------
ENTRY_MAX_BYTES = 48 * KIB  # text + seen + overhead, below one frame
BATCH_MAX_BYTES = 60 * KIB  # one batch fits one frame of 64 KiB
SEEN_MAX = 32  # the causal graph stays narrow: more is covered by the hybrid clock
FORK_BRANCHES_MAX = 8  # evidence, not a store for an attacker
FUTURE_MILLISECONDS_MAX = 10 * 60 * 1000  # clocks of honest machines differ by minutes, not more
HELD_ENTRIES_MAX = 1024  # entries of one log that wait for a missing prev
WINDOW_BATCHES = 8  # batches under way without an Ack: fills a Tor circuit's bandwidth-delay product
LOGS_PER_CONVERSATION_MAX = 512  # 2 accounts × 16 devices × room for renewed logs
SEEN_ACTIVE_DAYS = 90  # a device unseen for longer no longer holds back "delivered to all"
DELIVERIES_RECORD_MAX = 512  # (device, number) pairs in one record between own devices: 36 KiB
DELIVERIES_PER_LOG_MAX = 128  # devices of which it is known how far they have a log: two accounts, removed ones too
DELIVERIES_UNKNOWN_LOGS_MAX = 4096  # logs that an own device tells of before they are here: a new device has none yet
UNSENT_LOOKED_AT_MAX = 10_000  # of a conversation that is forgotten: newest own messages that may be withdrawn
FORGETTING_MAX = 1000  # deletions that are looked after until all own devices have them; they hold without that
DELIVERED_EVENTS_MAX = 4096  # newest messages of one acknowledgement that are told one by one: a full window has 2,200
LOG_BOXES_MAX = 256  # of one log: 16 devices that changed their keys 16 times each
STATICS_TRIED_MAX = 4  # of an author, for a box that names a serial which never came here: each costs a decryption
LINK_JOBS_MAX = 1024  # of one link, on their way to the disk; a batch counts as LINK_JOBS_OF_BATCH: 64 are 4 MiB
LINK_JOBS_OF_BATCH = 16
LINK_JOBS_IN_GATE_MAX = 2 * LINK_JOBS_OF_BATCH  # in the writer's queue: one is written, one waits, others' fit between
RANGES_MAX = 256  # ranges in one request or tombstone list
KIND_MAX_CHARACTERS = 32  # a name of a kind, not a place for text
TIME_MAX_MILLISECONDS = 253_402_300_799_999  # the end of the year 9999: calendars stop there
COUNTER_MAX = 2**31 - 1  # of the hybrid clock; a burst never comes near
SEQ_MAX = 2**48  # one more than any log's: a number that no disk could fill is a lie
HELD_BYTES_MAX = 1 * MIB  # bytes of entries that wait for a missing prev, per session
RELAYED_PUSH_MAX = 16  # more foreign entries in one commit are announced, not pushed: most peers have them by then
REQUEST_STALL_SECONDS = 60.0  # a request without progress may be made to another peer
HISTORY_BLOCK_MAX = 512  # entries in one block of older history: a megabyte at most in practice
HISTORY_BLOCK_MAX_BYTES = 4 * MIB  # and this much, whatever the entries are

# --- roster ---------------------------------------------------------------------------------------
DEVICES_PER_ACCOUNT_MAX = 16  # people own few devices; the comparison costs a box a device
STATEMENTS_PER_SIGNER_MAX = 64  # counted in hash order, so that the fold never depends on arrival
STATEMENT_MAX_BYTES = 40 * KIB  # a removal that opens its cuts for every log of the device; below an entry's cap
STATEMENTS_PER_ACCOUNT_MAX = 512
STATEMENTS_PER_DAY_MAX = 64  # new ones that one contact's device tells: each is an entry of *self*, and a fold
REMOVALS_PER_ACCOUNT_MAX = 128  # the fold weighs removals against each other: below a second for the worst
STATEMENTS_RECORD_MAX_BYTES = 16 * KIB  # what an unknown device may send to be admitted: some removals with cuts
STATEMENTS_PER_LINK_MAX_BYTES = 64 * KIB  # what a device that is out is shown of that: a frame or two
CUTS_MAX = 256
HEADS_MAX = 256  # with keeps and cuts below STATEMENT_MAX_BYTES; more are merged in two steps
CERTIFICATE_MAX_BYTES = 512  # three keys, a number, a signature: 180 bytes, and room

# --- wire -----------------------------------------------------------------------------------------
FRAME_LADDER_BYTES = (512, 1 * KIB, 2 * KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB)
FRAME_MAX_BYTES = FRAME_LADDER_BYTES[-1]
PRE_AUTH_MAX_BYTES = 16 * KIB  # TLS 1.3 hybrid + Noise take under 6 KiB
PRE_AUTH_TIMEOUT_SECONDS = 60.0  # a slow circuit needs some; a squatter gets no more
HALF_OPEN_MAX = 16  # connections before authentication, per address; the oldest is dropped first
STREAMS_PER_CIRCUIT_MAX = 4  # at an invitation: one stream is all that an honest stranger needs
STRANGERS_MAX = 32  # authenticated strangers' idle channels, per node
STRANGER_RECORD_MAX_BYTES = 8 * KIB  # one request
STRANGER_TOTAL_MAX_BYTES = (
    64 * KIB
)  # frames of one stranger's channel, heartbeats apart: a request, sent again, an answer
REQUESTS_PER_INVITATION_MAX = 8  # waiting requests of one open invitation
REQUEST_RENEWALS_MAX = 8  # a waiting request that comes with a newer card or at another link is written anew so often
REQUESTS_TOTAL_MAX = 64  # what a person would still look through
RENEWAL_SECONDS = 3600.0  # session keys are disposed of fast
RENEWAL_BYTES = 1024 * MIB
RENEWAL_EARLY_SECONDS = 60.0  # younger session keys than this need no renewal
RENEWALS_EARLY_MAX = 16  # of one channel, at the other side's wish: each is a handshake
RENEWAL_TIMEOUT_SECONDS = 300.0  # what is queued on a slow circuit must drain before the old session ends
RENEWAL_HELD_MAX_BYTES = 8 * MIB  # written while renewing; producers stop at SEND_BUFFER_MAX_BYTES long before
HEARTBEAT_SECONDS = 45.0  # keeps NATless onion circuits warm and notices death
HEARTBEAT_YIELD_SECONDS = 10.0  # who was dialled waits so much longer: else both ask in the same moment, every time
HEARTBEAT_TIMEOUT_SECONDS = 30.0
HEARTBEATS_LOST_MAX = 2
PINGS_AT_ONCE_MAX = 16  # one more each second: each costs us an answer of a whole frame
SILENT_TLS_RECORDS_MAX = 64  # TLS records of one session without data: a ticket or key update is rare
CROSSED_DIAL_SECONDS = 60.0
TURN_SECONDS_MAX = 0.005  # of work for one peer's bytes, before it has to rest as long; a full batch takes less
SEND_BUFFER_MAX_BYTES = 1 * MIB  # above it the session stops producing
SEND_BUFFER_FULL_BYTES = 8 * MIB  # written to a peer that is not reading: more is only answers to its own requests
SEND_STALL_SECONDS = 300.0  # a full buffer that is not emptied in this time: below 4 KB/s nothing works

# --- dialing --------------------------------------------------------------------------------------
BACKGROUND_DIALS_MAX = 8
GREETING_MAX_SECONDS = 120.0  # from the stream to both ready: a slow circuit needs some; nobody waits for a person
DIAL_TIMEOUT_SECONDS = 60.0  # a first connect to a dead onion with a cached descriptor hangs
BACKOFF_MIN_SECONDS = 5.0
BACKOFF_MAX_SECONDS = 900.0
FAULTS_FORGOTTEN_SECONDS = 3600.0  # of a device that behaved for so long, the faults before do not count

# --- Tor ------------------------------------------------------------------------------------------
DISCOVERY_KEYS = 128  # 8.6 KB: inside the 10 KiB line limit of control-port filters
CONTROL_LINE_MAX_BYTES = 10 * KIB
UNIX_PATH_MAX_BYTES = 107
CONTROL_TIMEOUT_SECONDS = 20.0  # Tor answers in milliseconds; behind a filter that restarts, in seconds

# --- contacts and store ---------------------------------------------------------------------------
KEY_BYTES = 32
INTRODUCTION_LINKS_MAX = 4  # open links that were made because a contact asked for one; each is an onion service
INVITATIONS_MAX = 32  # each is an onion service that Tor must keep up
INVITATION_DEFAULT_SECONDS = 7 * 86400
LINK_CODE_SECONDS = 600
DURATION_MAX_SECONDS = 10 * 366 * 86400  # more than ten years is a slip of the hand
CONTACTS_MAX = 1000
CARDS_PER_DAY_MAX = 64  # of one account: 16 devices that move four times; each is an entry of *self* for ever
QUOTA_DAY_BYTES = 64 * MIB  # what one contact may write into our store in a day
QUOTA_TOTAL_BYTES = 1024 * MIB
MOVES_PER_DAY_MAX = 4  # to new addresses because contacts' devices were stolen, and one for each account: they say so
MOVES_FROM_OWN_PER_DAY_MAX = 16  # because devices of ours are out: a thief may add and remove some
ANSWER_SECONDS = 7 * 86400  # so long who was removed by somebody else finds us where we were, to say that it was wrong
OLD_ADDRESSES_MAX = 8  # each is an onion service until all contacts have the new one; then no contact makes us move
REVIEW_MAX = 200  # of what a device did, the newest: what a person looks through
OLD_STATIC_KEY_SECONDS = 30 * 86400
OLD_ADDRESS_SECONDS = 30 * 86400

# --- local API ------------------------------------------------------------------------------------
API_LINE_MAX_BYTES = 1 * MIB
API_CLIENTS_MAX = 32
API_EVENTS_QUEUED_MAX = 10_000  # a subscriber that does not read is dropped
API_CALLS_IN_FLIGHT_MAX = 1024  # of one client, without an answer yet: enough to fill every group commit
API_EVENTS_QUEUED_MAX_BYTES = 16 * MIB  # the same drop for few but long events
API_ANSWER_MAX_BYTES = 256 * MIB  # what a client takes from its own node: a page of 1000 long messages, escaped
API_CLOSE_SECONDS = 5.0  # for the last answers at a stop; a client that does not read holds nobody up
