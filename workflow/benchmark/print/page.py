"""A self-contained HTML page for phones and wide screens; tables scroll inside their own frames."""

import html

CSS = """
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;padding:clamp(.8em,3vw,1.6em);max-width:86rem;color:#222;
background:#fff}
h1{font-size:1.5em;line-height:1.2}h2{font-size:1.2em;margin-top:1.6em}p,li{max-width:60em}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}col{width:auto!important}
th,td{padding:.28em .7em;text-align:right;vertical-align:top;border-bottom:1px solid #ddd}td p,th p{margin:0}
th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #222}
.numbers th,.numbers td{white-space:nowrap}
td.group{font-style:italic;padding-top:.9em;text-align:left}.notes{font-size:.9em;color:#444}
figure{margin:2.2em 0;max-width:70em}img{max-width:100%;height:auto}figcaption p{margin:.3em 0}
"""


def page(title: str, body: str) -> str:
    """``body`` as a page with its title in the browser's tab and as its heading."""
    frame = '<div class="scroll" role="region" aria-label="table" tabindex="0"><table'  # so that keys can scroll it
    framed = body.replace("<table", frame).replace("</table>", "</table></div>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{CSS}</style></head>\n"
        f"<body><main><h1>{html.escape(title)}</h1>\n{framed}</main></body></html>\n"
    )
