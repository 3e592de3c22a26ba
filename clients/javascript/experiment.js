// Who takes part in an experiment, and with which version: <model>/experiment.json, resolved by the
// same hash as a rollout. clients/vectors/experiments.json holds what every client must answer.

import { bucket } from "./buckets.js";
import { Refused } from "./verified.js";

const VERSION = /^v?\d[\w.-]{0,63}$/;

/** An experiment that can be followed; throws Refused("experiment") otherwise. */
export function checkedExperiment(text, model) {
  let told;
  try {
    told = JSON.parse(text);
  } catch (error) {
    throw new Refused("experiment", `experiment.json of ${model} is not JSON`, error);
  }
  const sound =
    told?.schema_version === 1 &&
    told.model === model &&
    (told.state === "running" || told.state === "concluded") &&
    typeof told.experiment === "string" &&
    VERSION.test(told.control) &&
    VERSION.test(told.treatment) &&
    Number.isInteger(told.percent) &&
    told.percent >= 0 &&
    told.percent <= 100 &&
    typeof told.salt === "string" &&
    Number.isFinite(Date.parse(told.starts)) &&
    Number.isFinite(Date.parse(told.ends));
  if (!sound) throw new Refused("experiment", `experiment.json of ${model} cannot be followed`);
  return told;
}

/**
 * A user's part in an experiment: { experiment, salt, arm, version }, or null when he has none.
 *
 * told: what checkedExperiment returned, or null. now: milliseconds since 1970.
 */
export async function assigned(told, userId, now) {
  if (told?.state !== "running") return null;
  if (now < Date.parse(told.starts) || now >= Date.parse(told.ends)) return null;
  const arm = (await bucket(userId, told.salt)) < told.percent ? "treatment" : "control";
  return { experiment: told.experiment, salt: told.salt, arm, version: told[arm] };
}
