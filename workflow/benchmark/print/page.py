"""A self-contained HTML page for phones and wide screens; tables scroll inside their own frames."""

import html
from pathlib import Path

SORT = Path(__file__).with_name("sort.js")

CSS = """
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;padding:clamp(.8em,3vw,1.6em);max-width:86rem;color:#222;
background:#fff}
h1{font-size:1.5em;line-height:1.2}h2{font-size:1.2em;margin-top:1.6em}p,li{max-width:60em}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}col{width:auto!important}
th,td{padding:.28em .7em;text-align:right;vertical-align:top;border-bottom:1px solid #ddd}td p,th p{margin:0}
th:first-child,td:first-child,.words{text-align:left}th{border-bottom:2px solid #222}
.numbers th,.numbers td{white-space:nowrap}
th.group{font-style:italic;font-weight:normal;padding-top:.9em;text-align:left;border-bottom:1px solid #ddd}
th button{all:unset;cursor:pointer}th button:focus-visible{outline:2px solid #06c;outline-offset:2px}
th button::after{content:"";display:inline-block;width:.7em;margin-right:-.7em}
th:not([aria-sort]) button:hover::after{content:"↕" / ""}
th[aria-sort=ascending] button::after{content:"↑" / ""}
th[aria-sort=descending] button::after{content:"↓" / ""}
.notes{font-size:.9em;color:#444}
figure{margin:2.2em 0;max-width:70em}img{max-width:100%;height:auto}figcaption p{margin:.3em 0}
"""


def page(title: str, body: str) -> str:
    """``body`` as a page with its title in the browser's tab and as its heading."""
    frame = '<div class="scroll" role="region" aria-label="table" tabindex="0"><table'  # so that keys can scroll it
    script = f"<script>\n{SORT.read_text(encoding='utf-8')}</script>" if 'class="numbers"' in body else ""
    framed = body.replace("<table", frame).replace("</table>", "</table></div>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{CSS}</style></head>\n"
        f"<body><main><h1>{html.escape(title)}</h1>\n{framed}</main>{script}</body></html>\n"
    )
