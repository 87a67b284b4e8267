const SECRET_USAGE = `      --secret-file F      the file of the network's secret (default: the variable PIECEMEAL_SECRET_FILE), 16 bytes or more, mode 600:
                           only who has it gets in, and everything is encrypted
      --old-secret-file F  the secret before that one, accepted as well while a network changes it
      --insecure           listen beyond this machine without a secret`

function httpUsage (what: string): string {
  return `      --http PORT          open an HTTP port as well, 0 for any free one: ${what}
      --http-host HOST     what that port listens on (default 127.0.0.1)
      --http-cert F, --http-key F
                           the files of its certificate and key, read anew when they change; beyond this machine it takes them,
      --http-plain         or this, where a proxy does TLS
      --http-name URL      https://NAME[:PORT], as browsers see it behind a proxy
      --http-proxy ADDR    believe what this proxy says of who asks (X-Forwarded-For); several with commas between`
}

export const TRACKER_USAGE = `usage: bin/tracker [-p 12340] [--host 127.0.0.1] [--secret-file F] [--max-connections N]
                   [--registry URL]
       bin/tracker status|check --registry URL
       bin/tracker --new-secret F

Knows which node has which file. Nodes stay connected to it; it keeps nothing on disk.

  -p, --port PORT          the port it listens on; 0 for any free one (default 12340)
      --host HOST          the name or address it listens on (default 127.0.0.1); one that others can reach takes a secret
${SECRET_USAGE}
      --no-discovery       do not let others find it by themselves (it says where it is by multicast DNS, unless it listens on this machine alone)
      --max-connections N  connections at once, from all nodes together (default 4096)
      --allow-advertise    without a secret, believe nodes that say where they are reached (--advertise), once that is proven
${httpUsage('a page that shows what goes on, the same as JSON, and metrics')}
      --registry URL       keeps what it knows in Redis, for all trackers that do (default: the variable PIECEMEAL_REDIS_URL, or else in memory):
                           redis://H:P/DB, redis+sentinel://H:P,H:P/MASTER/DB, redis+cluster://H:P,H:P, unix:PATH; rediss for TLS;
                           status says which trackers live and what they know, check walks all of it and mends what is wrong
      --registry-prefix P  what its keys begin with, for several networks in one Redis (default pm)
      --registry-password-file F
                           the file of its password
      --log json           one JSON object a line on standard output, with time and level, instead of text
      --new-secret F       makes a secret in the file F, which must not be there yet, and ends
      --help               this text
      --version            the version`

export const NODE_USAGE = `usage: bin/node -n NAME [-p INPUT OUTPUT] [-t HOST:PORT] [-d DIR] [--host HOST] [--advertise HOST[:INPUT:OUTPUT]]
                [--up RATE] [--down RATE] [--give-up TIME] [--keep-old SECONDS] [--separate-parts] [--secret-file F] [--json]

Shares files of the folder DIR/NAME and fetches others into it, from all of their owners at once.
It is told what to do by lines on standard input.

  -n, --name NAME          the node's name: 1 to 64 of A-Z a-z 0-9 . _ -
  -p INPUT OUTPUT          its two ports; 0 for any free one (default 0 0)
  -t, --tracker HOST:PORT  the tracker (default 127.0.0.1:12340; of HOST alone at port 12340); an IPv6 address with a port in brackets;
                           several with commas between them share one registry: any of them will do; auto looks for one on this network
  -d, --dir DIR            the folder that holds one folder a node (default node_files)
      --host HOST          the name or address its ports listen on (default 127.0.0.1); one that others can reach takes a secret
      --advertise HOST[:INPUT:OUTPUT]
                           where others reach it, through a forward or in a container; an IPv6 address with ports in brackets
      --up RATE            let file data out no faster than this (default off, no limit)
      --down RATE          let file data in no faster than this (default off, no limit)
      --give-up TIME       give a download up that has had no new byte for so long: 30s, 10m, 1h; a bare number is minutes (default 10m)
      --keep-old SECONDS   go on to answer for a folder's last version so long after the last question for it (default 3600)
      --remember           share after a restart what was shared before, and go on with downloads; it does not end with its standard input
      --separate-parts     write each part into a file of its own and glue them, even where one file could take them all at their places
${SECRET_USAGE}
${httpUsage('every file of the network (/files/NAME), metrics, health and status')}
      --cache SIZE         what is fetched for that port and kept, at most (default 10G, and a tenth of the free room)
      --keep               keep it all in DIR/NAME instead, and share it
      --http-write         take files over that port (PUT /files/NAME) from whoever has the token; takes a secret
      --http-write-limit SIZE
                           the largest of them (default half of the free room)
      --no-report          do not tell the tracker what is fetched and sent here, which its page shows
      --json               one JSON object a line on standard output instead of text
      --log json           the same for a log: with time and level, without progress
      --help               this text
      --version            the version

`

export const COMMANDS_USAGE = `commands, one a line on standard input:
  torrent -setMode upload PATH… [--as NAME] [--times] [--skip-special] [--allow-shrink]
                                           share files and folders of the node's folder, or any where it lies if PATH has a /;
                                           of a folder also times; without what can't be shared; though it lost half of what it had;
                                           -m is short for -setMode
  torrent -setMode download FILE… [--digest HEX] [--to PATH] [--only GLOB]… [--skip-missing] [--update] [--allow-shrink]
                                           fetch files and folders into it, or into the folder PATH, or one under the new name PATH;
                                           HEX picks one of several contents; of a folder those paths that a GLOB matches, and what is below them;
                                           --skip-missing saves a folder without what nobody has any more, or this disk can't hold;
                                           --update replaces what is there by a version after it, --allow-shrink also if more than half of it goes
  torrent cancel FILE… [--to PATH]         end their downloads, and remove what is kept of them, with PATH only what is kept there
  torrent unshare FILE…                    share them no longer; the files stay where they are
  torrent verify [FILE…]                   digest what is shared again, and withdraw what has changed
  torrent list [PREFIX]                    the files in the network
  torrent status                           what this node shares, fetches and serves right now
  torrent limit up|down RATE               let file data out or in no faster than this
  torrent limit                            what the limits are
  torrent exit                             wait for the downloads, then leave; twice: leave now
  torrent help                             this list
FILE may be quoted as in a shell: torrent -m upload "my file.png"; after -- nothing is an option
A line that begins with # is a comment
RATE is in bytes a second: 65536, 800K, 50M or 1.5G (powers of 1024), at least 1K; off for no limit`
