/** What a page shows of a message: the same nodes for the viewer and for the export. */
import { describe, expect, test } from 'vitest'
import { markdown } from '../../src/formats/html/markdown.js'
import { messageBody } from '../../src/formats/html/message.js'
import { toHtmlText, toText } from '../../src/formats/html/nodes.js'

const html = (text: string) => toHtmlText(markdown(text))
const shown = (text: string) => markdown(text).map(toText).join('\n')

describe('Markdown', () => {
  test.each([
    ['a\nb', '<p>a\nb</p>'],
    ['a\n\nb', '<p>a</p><p>b</p>'],
    [
      '**a** and *b*, _c_ __d__ ~~e~~',
      '<p><strong>a</strong> and <em>b</em>, <em>c</em> <strong>d</strong> <del>e</del></p>',
    ],
    ['snake_case_name 2*3*4 ** a **', '<p>snake_case_name 2<em>3</em>4 ** a **</p>'],
    ['`a *b*` ``c`d``', '<p><code>a *b*</code> <code>c`d</code></p>'],
    ['\\*a\\*', '<p>*a*</p>'],
    ['# A\n## B ##', '<h3>A</h3><h4>B ##</h4>'],
    ['- a\n- b\n  - c', '<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>'],
    ['3. a\n4. b', '<ol start="3"><li>a</li><li>b</li></ol>'],
    ['> a\n> b', '<blockquote><p>a\nb</p></blockquote>'],
    ['---', '<hr>'],
  ])('%j', (text, expected) => {
    expect(html(text)).toBe(expected)
  })

  test('code keeps every character, and an unclosed fence reaches to the end', () => {
    expect(html('```js\nif (a < b) *c*\n```\nafter')).toBe(
      '<pre class="code" tabindex="0"><span class="language">js</span><code>if (a &#60; b) *c*</code></pre><p>after</p>',
    )
    expect(shown('~~~\na\nb')).toBe('a\nb')
  })

  test('tables', () => {
    expect(html('| a | b |\n|---|:-:|\n| 1 | x\\|y |')).toBe(
      '<div class="scroll" tabindex="0"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>x|y</td></tr></tbody></table></div>',
    )
  })

  test('links name their host, and only some addresses are links', () => {
    expect(html('[a](https://example.org/x)')).toBe(
      '<p><span><a href="https://example.org/x" rel="noopener noreferrer nofollow" target="_blank">a</a><span class="host"> (example.org)</span></span></p>',
    )
    expect(html('see https://example.org/x.')).toContain('href="https://example.org/x"')
    for (const address of [
      'javascript:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'file:///etc/passwd',
      '//x',
      ' x',
    ]) {
      expect(html(`[a](${address})`)).not.toContain('<a ')
      expect(shown(`[a](${address})`)).toBe(`[a](${address})`)
    }
  })

  test('an image elsewhere is a link: nothing is loaded', () => {
    expect(html('![a](https://example.org/x.png)')).not.toContain('<img')
    expect(shown('![a](https://example.org/x.png)')).toBe('image: a (example.org)')
  })
})

const ATTACKS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  '<math><mi xlink:href="javascript:alert(1)">',
  '<a href="javascript:alert(1)">x</a>',
  '<template><script>alert(1)</script></template>',
  'before <b onclick="alert(1) an unclosed tag',
  '"><iframe src=//evil.example>',
  '<!-- --!><script>alert(1)</script>',
  '</pre></article></main><script>alert(1)</script>',
  '&lt;script&gt;',
]

describe('hostile text', () => {
  test.each(ATTACKS)('%s is shown unchanged', (attack) => {
    const allowed = /^(<\/?(p|pre|code|details|summary|strong|span)( (class|tabindex)="[\w ]*"| open)*>|[^<>])*$/
    for (const value of [
      { role: 'user', content: attack },
      { role: 'tool', content: attack },
      { role: 'assistant', content: [{ type: attack, data: attack }], thinking: [attack] },
      { role: 'assistant', content: null, toolCalls: [{ id: attack, name: attack, arguments: { [attack]: attack } }] },
    ]) {
      const nodes = messageBody(value)
      expect(toHtmlText(nodes)).toMatch(allowed)
      expect(nodes.map(toText).join('').replaceAll('\\"', '"')).toContain(attack)
    }
  })

  test('what cannot be seen, or moves what stands beside it, is a symbol', () => {
    expect(html('a\x1b[31m\x00\u202eb\u2066\ud800\u200b')).toBe('<p>a␛[31m␀⟨RLO⟩b⟨LRI⟩⟨D800⟩⟨ZWSP⟩</p>')
    expect(html('👩‍👩‍👧 é')).toBe('<p>👩‍👩‍👧 é</p>')
  })

  test.each([
    ['**', '**a '],
    ['brackets', '['],
    ['links', '[a]('],
    ['backticks', '`a``b```'],
    ['underscores', '_a '],
    ['quotes', '> '],
    ['lists', ' - '],
    ['spaces', ' '],
    ['bars', '|-'],
    ['hashes', '# '],
  ])('100 KB of %s comes out whole', (_, part) => {
    const text = part.repeat(Math.floor((100 * 1024) / part.length))
    const letters = (one: string) => one.replace(/[^a]/g, '').length
    expect(letters(shown(text))).toBe(letters(text))
    const lines = `${part}\n`.repeat(2_000)
    expect(letters(shown(lines))).toBe(letters(lines))
  })
})

describe('calls', () => {
  test('an edit shows what it takes out and puts in', () => {
    const edit = { path: 'a.txt', old_string: 'one\ntwo\nthree', new_string: 'one\n2\nthree' }
    const text = toHtmlText(
      messageBody({ role: 'assistant', content: null, toolCalls: [{ id: 'c', name: 'edit', arguments: edit }] }),
    )
    expect(text).toContain('<del>- two\n</del><ins>+ 2\n</ins>')
  })

  test('are found in the shapes of other providers', () => {
    const openai = { tool_calls: [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{"a":1}' } }] }
    const anthropic = { content: [{ type: 'tool_use', id: 'c', name: 'look', input: { a: 1 } }] }
    for (const shape of [openai, anthropic]) {
      expect(
        messageBody({ role: 'assistant', ...shape })
          .map(toText)
          .join(''),
      ).toContain('call look')
    }
  })

  test('an image is shown only from the message itself, and only when it is opened', () => {
    const part = (url: string) => ({ role: 'user', content: [{ type: 'image_url', image_url: { url } }] })
    expect(toHtmlText(messageBody(part('data:image/png;base64,AAAA')))).toBe(
      '<details class="image"><summary>image, 1 KB</summary><img alt="image of the message" src="data:image/png;base64,AAAA"></details>',
    )
    for (const url of [
      'https://evil.example/x.png',
      'data:image/svg+xml;base64,AAAA',
      'data:image/png;base64,"><script>',
    ]) {
      expect(toHtmlText(messageBody(part(url)))).not.toContain('<img')
    }
  })
})
