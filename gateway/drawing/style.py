"""How an SVG drawing looks, on light and on dark paper; its elements have no style of their own."""

from typing import Final

_SANS: Final = 'system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif'
_MONO: Final = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace'

_LIGHT: Final = f"""\
.picture {{ color-scheme: light dark; font: 12px {_SANS}; }}
.picture .paper {{ fill: #ffffff; }}
.picture text {{ fill: #1b2436; }}
.picture .heading {{ font-size: 18px; font-weight: 650; }}
.picture .quiet {{ fill: #5b6780; }}
.picture .panel {{ fill: #f3f6fb; stroke: #dbe2ee; }}
.picture .scope {{ fill: #5b6780; font-size: 10.5px; font-weight: 650; letter-spacing: 0.08em;
  text-transform: uppercase; }}
.picture .holder {{ font-size: 14px; font-weight: 600; }}
.picture .rule {{ stroke: #dbe2ee; }}
.picture .box {{ fill: #ffffff; stroke: #8795b0; }}
.picture .key {{ font: 12px {_MONO}; }}
.picture .type {{ fill: #5b6780; font-size: 10px; letter-spacing: 0.04em; text-anchor: end; }}
.picture .wins .mark {{ fill: #17794f; }}
.picture .hidden .box {{ fill: none; stroke: #a3aec3; stroke-dasharray: 4 3; }}
.picture .hidden .key {{ fill: #5b6780; text-decoration: line-through; }}
.picture .hidden .mark {{ fill: none; stroke: #8795b0; stroke-width: 1.5px; }}
.picture .fold .box {{ fill: #e6ecf6; stroke: #b7c3d9; }}
.picture .plus {{ stroke: #5b6780; stroke-width: 1.5px; }}
.picture .fold .key {{ font-family: {_SANS}; }}
.picture .line {{ fill: none; stroke-width: 1.5px; }}
.picture .line.alias {{ stroke: #1f5fd0; }}
.picture .line.override {{ stroke: #a4510c; stroke-dasharray: 6 3; }}
.picture .head.alias {{ fill: #1f5fd0; }}
.picture .head.override {{ fill: #a4510c; }}
.picture a {{ cursor: pointer; text-decoration: none; }}
.picture a:hover .box {{ stroke: #1f5fd0; stroke-width: 2px; }}
.picture a:focus {{ outline: none; }}
.picture a:focus-visible .box {{ stroke: #1f5fd0; stroke-width: 3px; stroke-dasharray: none; }}
"""

_DARK: Final = """\
@media (prefers-color-scheme: dark) {
.picture .paper { fill: #10141d; }
.picture text { fill: #e3e9f4; }
.picture .quiet, .picture .scope, .picture .type { fill: #9aa7c0; }
.picture .panel { fill: #171d29; stroke: #2b3447; }
.picture .rule { stroke: #2b3447; }
.picture .box { fill: #1f2736; stroke: #5a6a88; }
.picture .wins .mark { fill: #5fd4a0; }
.picture .hidden .box { fill: none; stroke: #4c5a75; }
.picture .hidden .key { fill: #9aa7c0; }
.picture .hidden .mark { fill: none; stroke: #7d8cab; }
.picture .fold .box { fill: #263146; stroke: #3d4b66; }
.picture .plus { stroke: #9aa7c0; }
.picture .line.alias { stroke: #7fb0ff; }
.picture .line.override { stroke: #f0a65a; }
.picture .head.alias { fill: #7fb0ff; }
.picture .head.override { fill: #f0a65a; }
.picture a:hover .box, .picture a:focus-visible .box { stroke: #7fb0ff; }
}
"""

STYLE: Final = _LIGHT + _DARK
