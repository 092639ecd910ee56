"""The dress of the sandbox's page."""

STYLE = """
:root { color-scheme: light dark; --back: #f6f7f9; --ink: #16181d; --faint: #667085; --card: #fff; --line: #e4e7ec;
  --accent: #3a4bb8; --good: #15803d; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --back: #0f1218; --ink: #f2f4f7; --faint: #98a2b3; --card: #171b23;
  --line: #2a303b; --accent: #7c8cf0; --good: #4ade80; --bad: #f87171; } button { color: #0f1218 !important; } }
* { box-sizing: border-box; margin: 0; }
body { background: var(--back); color: var(--ink); font: 15px/1.45 Inter, -apple-system, "Segoe UI", Roboto, sans-serif;
  padding: 1.5rem; }
header { margin: 0 auto 1.25rem; max-width: 72rem; }
h1 { font-size: 1.25rem; } h2 { font-size: .9375rem; margin-bottom: .75rem; }
h3 { font-size: .8125rem; margin: 1.25rem 0 .5rem; }
p, small { color: var(--faint); } p strong { color: var(--ink); } a { color: var(--accent); font-weight: 500; }
main { align-items: start; display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 1fr); margin: 0 auto;
  max-width: 72rem; }
section, nav { background: var(--card); border: 1px solid var(--line); border-radius: 10px; min-width: 0;
  padding: 1rem 1.25rem; }
nav ul { list-style: none; max-height: 12rem; overflow-y: auto; padding: 0; }
nav a { border-radius: 6px; color: inherit; display: block; font-weight: 400; overflow-wrap: anywhere;
  padding: .375rem .5rem; text-decoration: none; }
nav a:hover, nav [aria-current] { background: var(--line); }
nav form { margin-top: 1rem; }
label { display: block; font-size: .8125rem; font-weight: 600; margin-top: .625rem; }
input:not([type=checkbox]), select { background: transparent; border: 1px solid var(--line); border-radius: 8px;
  color: inherit; font: inherit; font-weight: 400; margin-top: .25rem; min-width: 0;
  padding: .4375rem .625rem; width: 100%; }
select option { background: var(--card); }
.choice { align-items: center; display: grid; gap: .75rem; grid-template-columns: minmax(0, 1fr) 9rem; }
.choice select { margin-top: 0; }
.inner { border: 0; border-left: 2px solid var(--line); margin: .375rem 0 0; padding: 0 0 0 .75rem; }
.inner, .inner label { font-weight: 400; }
legend { float: left; font-size: .8125rem; margin-right: 1rem; }
fieldset.inner { display: flex; flex-wrap: wrap; gap: .25rem 1rem; } fieldset.inner label { margin: 0; }
.check { align-items: center; display: flex; gap: .5rem; font-weight: 400; }
button { background: var(--accent); border: 0; border-radius: 8px; color: #fff; cursor: pointer; font: inherit;
  font-weight: 500; margin-top: 1rem; padding: .5rem .875rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
iframe { border: 0; display: block; height: 26rem; width: 100%; }
.said { border-left: 3px solid var(--good); color: var(--ink); margin-bottom: 1rem; padding-left: .75rem; }
.problem { border-left-color: var(--bad); color: var(--bad); }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); font-size: .8125rem; overflow-wrap: anywhere;
  padding: .375rem .5rem .375rem 0; text-align: left; vertical-align: baseline; }
th { color: var(--faint); font-weight: 500; }
.good { color: var(--good); } .bad { color: var(--bad); }
.plain { background: none; padding: 0; } .plain h2 { margin-top: 1rem; } .plain h2:first-child { margin-top: 0; }
@media (min-width: 1000px) { main { grid-template-columns: 17rem minmax(0, 1.25fr) minmax(0, 1fr); }
  .wide { grid-column: 2 / 4; } nav { grid-row: span 2; } nav ul { max-height: 40rem; } }
.call { white-space: nowrap; }
"""
