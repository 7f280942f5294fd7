import { type Attack, python } from './attack.ts';

const nofile = { policy: { ulimits: { nofile: 256 } } };

export const limitAttacks: readonly Attack[] = [
  {
    name: 'leave core dumps (ulimits.core)',
    script: 'ulimit -c 1000',
    stopped: /not permitted|cannot modify limit/i,
    closed: {},
    open: { policy: { ulimits: { core: '1GiB' } } },
  },
  {
    name: 'open many files (ulimits.nofile)',
    script: python('files = [os.open("/", os.O_RDONLY) for _ in range(1000)]'),
    stopped: /Too many open files/,
    closed: nofile,
    open: {},
  },
  {
    name: 'raise the limit first (ulimits.nofile)',
    script: 'ulimit -n 1024',
    stopped: /not permitted|cannot modify limit/i,
    closed: nofile,
    open: {},
  },
  {
    name: 'write a large file (ulimits.fsize)',
    script: python('os.posix_fallocate(os.open("/builds/large", os.O_CREAT | os.O_WRONLY), 0, 64 << 20)'),
    stopped: /File too large/,
    closed: { policy: { ulimits: { fsize: '16MiB' } } },
    open: {},
  },
  {
    name: 'fill memory by way of a tmpfs (tmpfs)',
    script: 'head -c 64M /dev/zero > /tmp/large; code=$?; rm /tmp/large; exit $code',
    stopped: /No space left/,
    closed: { policy: { tmpfs: { '/tmp': '16MiB' } } },
    open: {},
  },
];
