import type { Outcome } from '../../doctor/attack/attack.ts';
import { standards } from '../../doctor/attack/controls.ts';
import type { AttackReport } from '../../doctor/attack/report.ts';
import { escapeForeign } from '../../runner/job-log.ts';

const longest = 2000;
const words: Readonly<Record<Outcome, string>> = {
  held: 'held',
  broken: 'BROKEN',
  open: 'open',
  untried: 'not tried',
};

/** What an auditor files: one page of HTML without scripts, that loads nothing. All text in it is escaped. */
export function attackPage({ subject, rows, controls }: AttackReport): string {
  const of = (outcome: Outcome) => rows.filter((row) => row.outcome === outcome).length;
  const facts: [string, string][] = [
    ['Time', subject.time],
    ['Host', subject.host],
    ['Policy', `${subject.policy.name} (hash ${subject.policy.hash})`],
    ['Bulkhead', subject.bulkhead],
    ['Podman', subject.podman],
    ['Runtime', subject.runtime],
    ['Kernel', subject.kernel],
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(`Attacks on the sandboxes of ${subject.host}`)}</title>
<style>${style}</style>
</head>
<body>
<h1>${text(`Attacks on the sandboxes of ${subject.host}`)}</h1>
<p>Hostile scripts ran in sandboxes that were made by the way that jobs get theirs, under the policy below.
<strong>${of('held')} held, ${of('broken')} broken, ${of('open')} open, ${of('untried')} not tried.</strong></p>
<table class="facts">${facts.map(([name, value]) => `<tr><th scope="row">${name}</th><td>${text(value)}</td></tr>`).join('\n')}</table>
<dl>
<dt>${badge('held')}</dt><dd>The script was stopped, or the guarantee was seen to hold.</dd>
<dt>${badge('broken')}</dt><dd>The script worked, and must not.</dd>
<dt>${badge('open')}</dt><dd>It works because the policy says so, or because this host does not give what would stop it.</dd>
<dt>${badge('untried')}</dt><dd>Nothing was tried, or what was tried proves nothing; the reason stands beside it.</dd>
</dl>
<h2>What was tried</h2>
<table>
<thead><tr><th scope="col">Outcome</th><th scope="col">What</th><th scope="col">What was seen</th></tr></thead>
<tbody>
${rows.map(({ outcome, title, evidence }) => `<tr><td>${badge(outcome)}</td><td>${text(title)}</td><td>${text(evidence)}</td></tr>`).join('\n')}
</tbody>
</table>
${Object.entries(standards)
  .map(
    ([standard, name]) => `<h2>${text(name)}</h2>
<table>
<thead><tr><th scope="col">Outcome</th><th scope="col">Control</th><th scope="col">Asks for</th><th scope="col">Because</th></tr></thead>
<tbody>
${controls
  .filter((one) => one.standard === standard)
  .map(
    ({ outcome, id, about, why }) =>
      `<tr><td>${badge(outcome)}</td><td>${text(id)}</td><td>${text(about)}</td><td>${text(why)}</td></tr>`,
  )
  .join('\n')}
</tbody>
</table>`,
  )
  .join('\n')}
<p class="small">A control is judged by the worst of the rows that are mapped to it. This page says what held at that time on that host; it is no
certificate, and what a control asks for beyond these rows was not looked at. What controls ask for is told in words of Bulkhead's own.</p>
</body>
</html>
`;
}

function badge(outcome: Outcome): string {
  return `<span class="${outcome}">${words[outcome]}</span>`;
}

/** Control characters are shown, and nothing is markup. */
function text(value: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return escapeForeign(value, longest).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

const style = `
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #d8dee4; overflow-wrap: anywhere; }
td:first-child { white-space: nowrap; width: 6.5rem; } td:nth-child(2) { width: 12rem; min-width: 9rem; }
.facts td { width: auto; } thead th { border-bottom: 2px solid #8c959f; }
.facts { width: auto; } .facts th { width: 6rem; font-weight: 600; }
dl { display: grid; grid-template-columns: 6.5rem 1fr; gap: .3rem .6rem; } dd { margin: 0; }
span { display: inline-block; border-radius: .3rem; padding: 0 .45rem; font-size: .85rem; font-weight: 600; border: 1px solid; }
.held { color: #116329; background: #eafbee; } .broken { color: #fff; background: #a40e26; border-color: #a40e26; }
.open { color: #7d4e00; background: #fff6db; } .untried { color: #57606a; background: #f3f4f6; }
.small { font-size: .85rem; color: #57606a; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } tr { break-inside: avoid; } }
`;
