/** Colours of code, light and dark, each with the contrast that WCAG 2.1 asks for (4.5 : 1). */
import { HighlightStyle } from '@codemirror/language';
import { tags } from '@lezer/highlight';

export const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'light-dark(#7a2a8c, #d9a3ea)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'light-dark(#8a3200, #f0b48a)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'light-dark(#0b5f45, #8fdcc0)' },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'light-dark(#173f9c, #a9c1ff)' },
  { tag: [tags.comment, tags.meta], color: 'light-dark(#5c6066, #a3a8b1)' },
  { tag: tags.standard(tags.variableName), color: 'light-dark(#173f9c, #a9c1ff)' },
]);
