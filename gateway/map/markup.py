"""The page as an HTML template without a line of script. It is the same for every service."""

from string import Template
from typing import Final

from gateway.drawing.style import STYLE as DRAWING_STYLE

_STYLE: Final = """\
:root { color-scheme: light dark; --paper: light-dark(#ffffff, #10141d);
  --ink: light-dark(#1c2536, #e6ebf4); --strip: light-dark(#eaf1fe, #1a2b4a);
  --line: light-dark(#c9d5ea, #35476a); --bar: light-dark(#1b2436, #0b0f17);
  --bar-ink: #f4f6fb; --bar-quiet: #b7c2d8; --bar-field: #2a364d; --bar-line: #7386a8; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 0.9375rem/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; align-items: center;
  padding: 0.5rem 1rem; color: var(--bar-ink); background: var(--bar); }
h1 { margin: 0 auto 0 0; font-size: 1rem; font-weight: 600; }
form { display: flex; gap: 0.5rem; align-items: center; }
label, #status { color: var(--bar-quiet); }
input, button { height: 2rem; padding: 0 0.75rem; font: inherit; border: 1px solid var(--bar-line);
  border-radius: 6px; }
input { width: 17rem; max-width: 40vw; color: var(--bar-ink); background: var(--bar-field); }
input::placeholder { color: var(--bar-quiet); opacity: 1; }
button { color: #1b2436; font-weight: 500; background: #f4f6fb; cursor: pointer; }
:focus-visible { outline: 2px solid #8fb8ff; outline-offset: 2px; }
#status { min-width: 8.5rem; margin: 0; }
#status[data-state="good"] { color: #6fdcaa; }
#status[data-state="busy"] { color: #f3ce7b; }
#status[data-state="bad"] { color: #ffa491; }
.hint { margin: 0; padding: 0.5rem 1rem; background: var(--strip);
  border-bottom: 1px solid var(--line); }
main { overflow-x: auto; }
main svg { display: block; max-width: 100%; height: auto; }
"""

_PAGE: Final = Template("""\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Map · Secrets Gateway</title>
    <link rel="icon" href="data:,">
    <style nonce="$nonce">
$style
    </style>
    <script type="module" src="assets/map.js"></script>
  </head>
  <body>
    <header>
      <h1>Secrets Gateway · Map</h1>
      <button id="fold-all" type="button" hidden>Fold all</button>
      <form id="access">
        <label for="token">API token</label>
        <input id="token" type="password" autocomplete="off" autocapitalize="none"
          spellcheck="false" aria-describedby="hint">
        <button type="submit">Use token</button>
      </form>
      <p id="status" role="status" data-state="idle">No token yet</p>
    </header>
    <p id="hint" class="hint">
      Enter an API token to see what this service gets, and why. No value is shown.
      The token stays in this page's memory, and is gone when you reload or leave.
    </p>
    <main id="map" aria-label="Map">
      <noscript>The map needs JavaScript, or <code>secrets-gateway graph</code>.</noscript>
    </main>
  </body>
</html>
""")


def map_page(*, nonce: str) -> str:
    """Return the page; its style carries the nonce."""
    return _PAGE.substitute(nonce=nonce, style=_STYLE + DRAWING_STYLE)
