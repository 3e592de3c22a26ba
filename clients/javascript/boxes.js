// The maps of a detector as objects with boxes: the same as models/runtime/detections/centres.py.
//
//   const find = finder(preprocess.output);      // of the bundle's preprocess.json
//   const objects = find(await maps.data());     // [{label, confidence, confident, box}, …]
//
// clients/vectors/boxes.json holds what every implementation must answer.

const PLACE = 4;
const EDGE = 1e-12;

/** What finds objects by the `output` of preprocess.json: maps, flat → objects, the surest first. */
export function finder(output) {
  const { classes, grid, most, least_chance, confidence_threshold, calibration } = output;
  const channels = classes.length + PLACE;
  const believed = calibration ? (chance) => onLine(chance, calibration) : (chance) => chance;
  return (maps) => {
    const at = (row, column, channel) => maps[(row * grid + column) * channels + channel];
    const peaks = [];
    for (let row = 0; row < grid; row += 1) {
      for (let column = 0; column < grid; column += 1) {
        for (let number = 0; number < classes.length; number += 1) {
          const chance = at(row, column, number);
          if (chance > 0 && chance >= least_chance && isPeak(at, grid, row, column, number)) {
            peaks.push({ row, column, number, chance });
          }
        }
      }
    }
    // Sorting is stable: equal chances stay in reading order.
    peaks.sort((one, other) => other.chance - one.chance);
    const found = [];
    for (const { row, column, number, chance } of peaks.slice(0, most)) {
      const [a, b, width, height] = [0, 1, 2, 3].map((n) => at(row, column, classes.length + n));
      const [x, y] = [(column + a) / grid, (row + b) / grid];
      const box = [x - width / 2, y - height / 2, x + width / 2, y + height / 2].map(inside);
      if (box[0] < box[2] && box[1] < box[3]) {
        const confidence = believed(chance);
        const confident = confidence >= confidence_threshold;
        found.push({ label: classes[number], confidence, confident, box });
      }
    }
    return found;
  };
}

/** Larger than the neighbours before the cell in reading order, no smaller than those behind it. */
function isPeak(at, grid, row, column, number) {
  const chance = at(row, column, number);
  for (let place = 0; place < 9; place += 1) {
    const [line, across] = [row + Math.floor(place / 3) - 1, column + (place % 3) - 1];
    if (place === 4 || line < 0 || across < 0 || line >= grid || across >= grid) continue;
    const neighbour = at(line, across, number);
    if (place < 4 ? chance <= neighbour : chance < neighbour) return false;
  }
  return true;
}

function onLine(chance, { slope, intercept }) {
  const cut = Math.min(Math.max(chance, EDGE), 1 - EDGE);
  return 1 / (1 + Math.exp(-(slope * Math.log(cut / (1 - cut)) + intercept)));
}

function inside(corner) {
  return Math.min(Math.max(corner, 0), 1);
}
