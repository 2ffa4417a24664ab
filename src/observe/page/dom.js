// The three ways in which the page touches the DOM; text only, so that no name of a product can become markup.

export const byId = id => document.getElementById(id)

/** make('p', {class: 'x'}, 'text', child): attributes that are null or undefined are left out. */
export function make(tag, attributes, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined) element.setAttribute(name, value)
  }
  element.append(...children.filter(child => child !== null && child !== undefined))
  return element
}

/** Writes only what changed: a screen reader must not hear the same words five times a second. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}
