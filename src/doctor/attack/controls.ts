/** Standards that attacks are mapped to. */
export const standards = {
  pss: 'Kubernetes Pod Security Standards, restricted',
  cis: 'CIS Docker Benchmark v1.6.0, section 5',
  slsa: 'SLSA v1.2, Build L3: isolated',
} as const;

export type Standard = keyof typeof standards;

/** Control numbers and names are those of the standards; what they are about is said in our words. */
const table = {
  'pss:Host Namespaces': 'no network or process namespace of the host (nor IPC, which is not tried)',
  'pss:Privileged Containers': 'no privileged container',
  'pss:Capabilities': 'no capability but NET_BIND_SERVICE',
  'pss:HostPath Volumes': 'no folder of the host',
  'pss:/proc Mount Type': 'a masked /proc',
  'pss:Seccomp': 'a seccomp profile',
  'pss:Sysctls': 'no unsafe kernel parameter',
  'pss:Volume Types': 'no volume of the host',
  'pss:Privilege Escalation': 'no setuid program or file capability helps',
  'pss:Running as Non-root': 'no root in the container',
  'cis:5.4': 'kernel capabilities are restricted',
  'cis:5.5': 'no privileged containers',
  'cis:5.6': 'no sensitive folders of the host are mounted',
  'cis:5.10': "the host's network namespace is not shared",
  'cis:5.11': 'memory is limited',
  'cis:5.12': 'CPU priority is set (here: a quota)',
  'cis:5.13': 'the root file system is read-only',
  'cis:5.16': "the host's process namespace is not shared",
  'cis:5.18': 'no devices of the host',
  'cis:5.21': "the host's UTS namespace is not shared",
  'cis:5.22': 'the seccomp profile is not disabled',
  'cis:5.26': 'no process acquires more privileges',
  'cis:5.29': 'the number of processes is limited',
  'cis:5.31': "the host's user namespace is not shared",
  'cis:5.32': "the engine's socket is not mounted",
  'slsa:secrets of the platform': 'a build cannot get at secrets of the build platform',
  'slsa:builds that overlap': 'builds that overlap in time cannot influence one another',
  'slsa:builds that follow': 'a build cannot persist, or influence the environment of one that follows',
} as const;

export type ControlId = keyof typeof table;

/** Controls of the standards that nothing here tries, and why. */
const untried: Readonly<Record<string, readonly [about: string, why: string]>> = {
  'pss:HostProcess': ['no Windows HostProcess container', 'Linux only'],
  'pss:Host Ports': ['no port of the host', 'no sandbox publishes a port, which nothing within it can show'],
  'pss:AppArmor': ['AppArmor is not turned off', "gVisor's kernel has none; it is not looked at around the sandbox"],
  'pss:SELinux': ['no SELinux option is changed', "gVisor's kernel has none; it is not looked at around the sandbox"],
  'cis:5.1': ['swarm mode is off', 'Podman has none'],
  'cis:5.2': ['an AppArmor profile is set', "gVisor's kernel has none; it is not looked at around the sandbox"],
  'cis:5.3': ['SELinux options are set', "gVisor's kernel has none; it is not looked at around the sandbox"],
  'cis:5.7': ['no sshd runs in containers', "what runs in a job is its author's choice"],
  'cis:5.8': ['no privileged ports are mapped', 'no sandbox publishes a port'],
  'cis:5.9': ['only needed ports are open', 'no sandbox publishes a port'],
  'cis:5.14': ['traffic comes in by one interface', 'no sandbox publishes a port'],
  'cis:5.15': ['restarts are bounded', 'no sandbox is restarted'],
  'cis:5.17': [
    "the host's IPC namespace is not shared",
    'there is nothing of the host to be found without writing to it',
  ],
  'cis:5.19': ['ulimits are set where needed', 'they are set for stage scripts, which these are not'],
  'cis:5.20': ['mounts do not propagate', 'no mount within gVisor reaches the host'],
  'cis:5.23': ['exec is not privileged', 'the driver never asks for it'],
  'cis:5.24': ['exec is not root', 'the driver never asks for it: stages run as the user of the sandbox'],
  'cis:5.25': ['cgroups are as expected', 'see the limits: the guarantees limits.* look at cgroups'],
  'cis:5.27': ['health is checked', 'a job ends; services are waited for'],
  'cis:5.28': ['images are of the latest version', 'the pull policy is of the job and its policy'],
  'cis:5.30': [
    "the engine's default bridge is not used",
    'each job has networks of its own, which nothing within it can show',
  ],
  'slsa:build cache': ['no build can poison the cache of another', 'the jobs of the doctor have no cache'],
  'slsa:remote influence': [
    'no build opens a service for remote influence',
    'nobody outside connects to the jobs of the doctor',
  ],
};

export interface Control {
  readonly standard: Standard;
  /** As the standard calls it. */
  readonly id: string;
  /** What it asks for, in our words. */
  readonly about: string;
  /** Why nothing tries it; undefined when something does. */
  readonly untried: string | undefined;
}

/** Every control of the standards, in their order. */
export function allControls(): (Control & { readonly key: string })[] {
  const entries = [
    ...Object.entries(table).map(([key, about]) => [key, about, undefined] as const),
    ...Object.entries(untried).map(([key, [about, why]]) => [key, about, why] as const),
  ];
  const controls = entries.map(([key, about, why]) => {
    const at = key.indexOf(':');
    return { key, standard: key.slice(0, at) as Standard, id: key.slice(at + 1), about, untried: why };
  });
  const order = Object.keys(standards);
  const number = ({ standard, id }: Control) => (standard === 'cis' ? Number(id.slice(2)) : 0);
  return controls.sort((a, b) => order.indexOf(a.standard) - order.indexOf(b.standard) || number(a) - number(b));
}
