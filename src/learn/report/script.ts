// What the report does in a browser: reading and zooming the matrix, sorting the table. It works without, too.

export const script = `
const matrix = document.querySelector('.matrix')
if (matrix) {
  const cell = Number(matrix.dataset.cell)
  const names = JSON.parse(matrix.dataset.names)
  const readout = document.querySelector('.readout')
  const cross = kind => matrix.querySelector('[data-cross=' + kind + ']')
  const marked = []
  const mark = (x, y) => {
    for (const element of marked.splice(0)) element.classList.remove('on')
    for (const kind of ['row', 'column']) cross(kind).toggleAttribute('hidden', x < 0)
    if (x < 0) return
    cross('row').setAttribute('y', y * cell)
    cross('column').setAttribute('x', x * cell)
    marked.push(matrix.querySelector('[data-row="' + y + '"]'), matrix.querySelector('[data-column="' + x + '"]'))
    for (const element of marked) element.classList.add('on')
  }
  matrix.addEventListener('pointermove', event => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.getScreenCTM().inverse())
    const x = Math.floor(point.x / cell)
    const y = Math.floor(point.y / cell)
    if (x < 0 || y < 0 || x >= names.length || y >= names.length) return mark(-1, -1)
    mark(x, y)
    const title = event.target.querySelector?.('title')
    readout.textContent = title ? title.textContent : names[y] + ' → ' + names[x] + ': never'
  })
  matrix.addEventListener('pointerleave', () => mark(-1, -1))
  const full = matrix.viewBox.baseVal.width
  const zoom = document.querySelector('.zoom')
  zoom.hidden = false
  zoom.addEventListener('click', event => {
    const step = event.target.dataset.zoom
    if (!step) return
    const width = step === 'fit'
      ? matrix.parentElement.clientWidth - 2
      : matrix.getBoundingClientRect().width * Number(step)
    matrix.style.width = Math.min(full * 4, Math.max(300, width)) + 'px'
  })
}
for (const button of document.querySelectorAll('.sortable th button')) {
  button.addEventListener('click', () => {
    const header = button.parentElement
    const body = button.closest('table').tBodies[0]
    const up = header.getAttribute('aria-sort') !== 'ascending'
    for (const other of header.parentElement.children) other.removeAttribute('aria-sort')
    header.setAttribute('aria-sort', up ? 'ascending' : 'descending')
    const at = header.cellIndex
    const value = row => row.cells[at].dataset.value ?? row.cells[at].textContent
    const compare = button.dataset.kind === 'number'
      ? (a, b) => Number(value(a)) - Number(value(b))
      : (a, b) => value(a).localeCompare(value(b))
    const rows = [...body.rows].sort((a, b) => (up ? compare(a, b) : compare(b, a)))
    body.append(...rows)
  })
}
`
