/** How the page looks: for light and dark, on a screen and on paper. */
export const STYLE = `
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:52rem;margin:0 auto;padding:1rem}
h1{font-size:1.4rem;margin:0}
h2{font-size:.85rem;margin:0 0 .4rem;font-weight:600}
header p,time{color:GrayText;font-size:.85rem;font-weight:400}
article{border:1px solid #8884;border-left:4px solid #888;border-radius:6px;padding:.6rem .8rem;margin:.8rem 0}
article.user{border-left-color:#2b7de9}
article.assistant{border-left-color:#2e9e5b}
article.tool{border-left-color:#b8860b}
article.summary{border-left-color:#8a5cd6}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.2rem 0;font:inherit}
details pre{font:.85rem/1.45 ui-monospace,monospace}
summary{cursor:pointer;color:GrayText;font-size:.85rem}
img{max-width:100%}
p{white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0}
pre.code,pre.diff{font:.85rem/1.45 ui-monospace,monospace;background:#8881;padding:.5rem;border-radius:4px}
code{font-family:ui-monospace,monospace;font-size:.9em}
.language,.host,.note,.preview{color:GrayText;font-size:.85em;font-weight:400}
.language{display:block}
pre.diff del,pre.diff ins{display:block;text-decoration:none}
pre.diff del{background:#d3303022}
pre.diff ins{background:#2e9e5b22}
blockquote{border-left:3px solid #8886;margin:.4rem 0;padding-left:.8rem}
table{border-collapse:collapse}
td,th{border:1px solid #8886;padding:.2rem .5rem;text-align:left}
.tag{border:1px solid #8886;border-radius:4px;padding:0 .3rem}
`
