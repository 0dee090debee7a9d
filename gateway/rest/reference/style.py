"""The style sheet of the reference page, light or dark as the reader's system."""

from typing import Final

_COLOURS: Final = """\
:root {
  color-scheme: light dark;
  --paper: light-dark(#ffffff, #12161f);
  --side: light-dark(#f5f7fa, #171c27);
  --ink: light-dark(#1b2436, #dfe5f0);
  --quiet: light-dark(#5b6780, #93a0b8);
  --line: light-dark(#dde3ec, #2a3242);
  --link: light-dark(#1f55c4, #86b0ff);
  --chip: light-dark(#eef2f8, #1f2736);
  --panel: #161c28;
  --panel-ink: #dbe3f2;
  --get: light-dark(#17694a, #63d3a5);
  --post: light-dark(#1f55c4, #86b0ff);
  --put: light-dark(#8a5300, #f0b45c);
  --delete: light-dark(#b3261e, #ff9a92);
}
"""

_FRAME: Final = """\
* { box-sizing: border-box; }
html { scroll-padding-top: 0.5rem; }
body { margin: 0; display: grid; grid-template-columns: 20.5rem minmax(0, 1fr);
  background: var(--paper); color: var(--ink);
  font: 0.9375rem/1.6 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 2rem;
  background: var(--side); border-right: 1px solid var(--line); font-size: 0.8125rem; }
nav .title { margin: 0 0.5rem 1.25rem; font-size: 1rem; font-weight: 650; }
nav .title span { color: var(--quiet); font-weight: 400; }
nav section { margin-bottom: 1.25rem; }
nav section > a { display: block; padding: 0 0.5rem 0.25rem; color: var(--quiet);
  font-weight: 650; }
nav ul { margin: 0; padding: 0; list-style: none; }
nav li a { display: flex; gap: 0.5rem; align-items: baseline; padding: 0.1875rem 0.5rem;
  border-radius: 0.375rem; }
nav a { color: inherit; text-decoration: none; }
nav li a:hover { background: var(--chip); }
nav .method { min-width: 3.125rem; padding: 0; background: none; font-size: 0.6875rem; }
main { width: 100%; max-width: 88rem; padding: 2.5rem 3rem 6rem; }
main > header { max-width: 46rem; }
"""

_TEXT: Final = """\
h1 { margin: 0; font-size: 2rem; line-height: 1.25; letter-spacing: -0.015em; }
h2 { margin: 0; font-size: 1.5rem; line-height: 1.3; letter-spacing: -0.01em; }
h3 { margin: 0 0 0.5rem; font-size: 1.125rem; line-height: 1.4; }
h4 { margin: 1.5rem 0 0.5rem; font-size: 0.8125rem; color: var(--quiet); font-weight: 650; }
main > header h2 { margin-top: 2rem; font-size: 1.25rem; }
main > section { margin-top: 4rem; }
p { margin: 0.5rem 0; max-width: 46rem; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h3 a { color: inherit; }
h3 a::after { content: "#"; margin-left: 0.5rem; color: var(--quiet); opacity: 0; }
h3 a:hover::after, h3 a:focus-visible::after { opacity: 1; }
.lead { font-size: 1.125rem; }
.quiet { color: var(--quiet); }
code, pre { font: 0.875em/1.6 ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono",
  monospace; }
p code, td code, summary code { padding: 0.0625rem 0.3125rem; border-radius: 0.25rem;
  background: var(--chip); overflow-wrap: anywhere; }
.names code { display: inline-block; margin-bottom: 0.25rem; }
"""

_OPERATIONS: Final = """\
article { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 28rem);
  gap: 0 2.5rem; margin-top: 2rem; padding-top: 2rem; border-top: 1px solid var(--line); }
article:target h3 a::after { opacity: 1; }
.path { display: flex; gap: 0.625rem; align-items: baseline; margin: 0 0 0.75rem; }
.path code { padding: 0; background: none; font-size: 0.9375em; }
.path var { color: var(--quiet); font-style: normal; }
.method { padding: 0.0625rem 0.5rem; border-radius: 0.25rem; background: var(--chip);
  font: 700 0.75rem/1.6 ui-monospace, "DejaVu Sans Mono", monospace; }
.get { color: var(--get); }
.post { color: var(--post); }
.put { color: var(--put); }
.delete { color: var(--delete); }
.status b { font-weight: 650; }
.s2 { color: var(--get); }
.s4 { color: var(--put); }
.s5 { color: var(--delete); }
.schema { grid-template-columns: minmax(0, 1fr); max-width: 56rem; }
.kind { color: var(--quiet); font-size: 0.75rem; }
.kind b { color: var(--delete); font-weight: 400; }
.kind code { padding: 0; background: none; font-size: 1em; }
.limits { color: var(--quiet); font-size: 0.875em; }
.table { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; }
th { padding: 0.375rem 0.75rem 0.375rem 0; color: var(--quiet); font-weight: 500;
  text-align: left; }
td { padding: 0.5rem 0.75rem 0.5rem 0; border-top: 1px solid var(--line);
  vertical-align: top; }
td:first-child { width: 12rem; }
td code { overflow-wrap: anywhere; }
td p, td ul { margin: 0; padding: 0; }
td li { list-style: none; margin-bottom: 0.25rem; }
details { margin-top: 1rem; }
summary { cursor: pointer; width: fit-content; }
aside h4 { margin-top: 1rem; }
aside h4:first-child { margin-top: 0; }
aside { align-self: start; position: sticky; top: 1.5rem; max-height: calc(100vh - 3rem);
  overflow-y: auto; }
pre { margin: 0; padding: 0.875rem 1rem; border-radius: 0.5rem; white-space: pre-wrap;
  overflow-wrap: anywhere;
  background: var(--panel); color: var(--panel-ink); font-size: 0.8125rem; }
pre code { font: inherit; }
"""

_NARROW: Final = """\
@media (max-width: 80rem) {
  article { grid-template-columns: minmax(0, 1fr); }
  aside { position: static; max-height: none; margin-top: 1rem; }
}
@media (max-width: 56rem) {
  body { display: block; }
  nav { position: static; height: auto; max-height: 40vh; border-right: 0;
    border-bottom: 1px solid var(--line); }
  main { padding: 1.5rem 1.25rem 4rem; }
  td:first-child { width: 9rem; }
  .path { flex-wrap: wrap; gap: 0.25rem 0.625rem; }
}
@media print {
  body { display: block; }
  nav { display: none; }
  aside { position: static; max-height: none; }
}
"""

STYLE: Final = _COLOURS + _FRAME + _TEXT + _OPERATIONS + _NARROW
