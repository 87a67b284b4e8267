"""A BitTorrent peer of libtorrent's; bittorrent.ts says what it is told and what it answers."""

import os
import sys

import libtorrent as lt

LOOPBACK = '127.0.0.1'
PIECE_BYTES = 1 << 20
# Nothing comes for so long: it never will.
DEADLINE_MS = 600_000
ENCRYPTION_OFF = 2
UNLIMITED = -1

# Of a torrent with 100,000 files; what is left out is no larger than usual.
LARGE_TORRENT = {'max_buffer_size': 256 << 20, 'max_decode_tokens': 50_000_000}

SETTINGS = {
    'listen_interfaces': f'{LOOPBACK}:0',
    'alert_mask': lt.alert.category_t.status_notification
    | lt.alert.category_t.storage_notification
    | lt.alert.category_t.error_notification,
    # Its peers are told to it, and nobody else is to be asked.
    'enable_dht': False,
    'enable_lsd': False,
    'enable_upnp': False,
    'enable_natpmp': False,
    # Plain TCP, as everybody else here.
    'enable_incoming_utp': False,
    'enable_outgoing_utp': False,
    'in_enc_policy': ENCRYPTION_OFF,
    'out_enc_policy': ENCRYPTION_OFF,
    # All of them are on one machine and none should wait for its turn.
    'allow_multiple_connections_per_ip': True,
    'unchoke_slots_limit': UNLIMITED,
    'smooth_connects': False,
    # It connects to peers when this clock ticks, which is twice a second if nobody asks for more.
    'tick_interval': 100,
    # As libtorrent's manual advises for fast networks: deeper queues between socket and disk.
    'send_buffer_watermark': 4 << 20,
    'max_queued_disk_bytes': 16 << 20,
}


def wait_for(session, kind):
    """The next alert of this kind."""
    while session.wait_for_alert(DEADLINE_MS) is not None:
        for alert in session.pop_alerts():
            if isinstance(alert, (lt.torrent_error_alert, lt.file_error_alert, lt.listen_failed_alert)):
                sys.exit(alert.message())
            if isinstance(alert, kind):
                return alert
    sys.exit(f'no {kind.__name__}')


def start():
    session = lt.session(SETTINGS)
    wait_for(session, lt.listen_succeeded_alert)
    return session


def add(session, torrent, folder, flags):
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent, LARGE_TORRENT)
    params.save_path = folder
    params.flags = flags
    return session.add_torrent(params)


def say(*words):
    print(*words, flush=True)


def make(source, torrent, version='v1'):
    files = lt.file_storage()
    lt.add_files(files, source)
    # Version 1, which every BitTorrent program speaks: a SHA-1 a piece. Version 2: a tree of SHA-256 a file.
    flag = lt.create_torrent.v2_only if version == 'v2' else lt.create_torrent.v1_only
    made = lt.create_torrent(files, PIECE_BYTES, flag)
    lt.set_piece_hashes(made, os.path.dirname(source))
    with open(torrent, 'wb') as file:
        file.write(lt.bencode(made.generate()))


def seed(torrent, folder):
    session = start()
    add(session, torrent, folder, lt.torrent_flags.seed_mode)
    say('seeding', session.listen_port())
    for _ in sys.stdin:
        session.post_session_stats()
        say('sent', wait_for(session, lt.session_stats_alert).values['net.sent_payload_bytes'])


def leech(torrent, folder):
    session = start()
    say('ready', session.listen_port())
    for line in sys.stdin:
        handle = add(session, torrent, folder, 0)
        wait_for(session, lt.torrent_checked_alert)
        for port in line.split():
            handle.connect_peer((LOOPBACK, int(port)))
        wait_for(session, lt.torrent_finished_alert)
        # Every piece is checked; what is still on its way to the file goes there.
        handle.flush_cache()
        wait_for(session, lt.cache_flushed_alert)
        say('done')


{'make': make, 'seed': seed, 'leech': leech}[sys.argv[1]](*sys.argv[2:])
