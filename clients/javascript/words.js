// A text as the ids of its words that a graph reads: the same as models/runtime/texts/words.py.
//
//   const read = reader(preprocess.text);       // of the bundle's preprocess.json
//   const { words, pairs } = read(text);
//   const given = { words: tf.tensor2d([words], [1, words.length], "int32"), … };
//
// clients/vectors/words.json holds what every implementation must answer.

/** What reads a text by the `text` of preprocess.json: text → Int32Array of ids by tensor. */
export function reader(spec) {
  const { grams, buckets, padding } = spec;
  const wordsOf = splitter(spec);
  return (text) => {
    const words = wordsOf(text);
    const made = {};
    for (const { tensor, size, length } of grams) {
      const ids = new Int32Array(length).fill(padding);
      for (let first = 0; first + size <= words.length; first += 1) {
        const gram = words.slice(first, first + size).join(" ");
        ids[first] = 1 + (fnv1a(gram) % buckets);
      }
      made[tensor] = ids;
    }
    return made;
  };
}

/** The first words of a text, as a function of the text. */
export function splitter(spec) {
  const [removed, settled, alone, between] =
    [spec.removed, spec.settled, spec.alone, spec.between].map(inside);
  const toRemove = new RegExp(`[${removed}]+`, "gu");
  const toFold = new RegExp(`[${settled}]+`, "gu");
  const word = new RegExp(`[${alone}]|[^${alone}${between}]+`, "gu");
  return (text) => {
    const normalised = wellFormed(text).replace(toRemove, "").replace(toFold, folded);
    const words = [];
    for (const [found] of normalised.matchAll(word)) {
      if (words.length === spec.words) break;
      words.push(found);
    }
    return words;
  };
}

/** Halves of characters become U+FFFD (String.prototype.toWellFormed of newer browsers). */
function wellFormed(text) {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}

/** NFC; each code point to small letters, to capitals and to small ones again; NFC. */
function folded(run) {
  let made = run.normalize("NFC");
  // One by one: of a whole word, toLowerCase looks at the neighbours of a sigma.
  for (const turn of ["toLowerCase", "toUpperCase", "toLowerCase"]) {
    made = Array.from(made, (character) => character[turn]()).join("");
  }
  return made.normalize("NFC");
}

/** Ranges of code points as the inside of a regular expression's class. */
function inside(ranges) {
  const escaped = (point) => `\\u{${point.toString(16)}}`;
  return ranges.map(([first, last]) => `${escaped(first)}-${escaped(last)}`).join("");
}

/** 32-bit FNV-1a of a text's UTF-8. */
function fnv1a(text) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}
