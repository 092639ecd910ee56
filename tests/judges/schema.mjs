// What passkit-generator, which has a schema of every key of pass.json, makes of passes: a line of JSON for each.
// node schema.mjs FOLDER ..., each the unpacked files of one pass, beside FOLDER.certificates with those that signed it.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { PKPass } from "passkit-generator";

const walk = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });

// It writes dates in UTC.
const same = (before, after) =>
  before === after || (typeof before === "string" && !Number.isNaN(Date.parse(before)) && Date.parse(before) === Date.parse(after));

// The paths of what stands in `before` and not, or otherwise, in `after`.
const lost = (before, after, path = "") =>
  before !== null && typeof before === "object"
    ? Object.keys(before).flatMap((key) => lost(before[key], after?.[key], path ? `${path}.${key}` : key))
    : same(before, after) ? [] : [path];

const judge = (folder) => {
  const certificates = JSON.parse(readFileSync(`${folder}.certificates`, "utf8"));
  const files = Object.fromEntries(
    walk(folder)
      .map((path) => [relative(folder, path), readFileSync(path)])
      .filter(([name]) => !["manifest.json", "signature"].includes(name)),
  );
  const before = JSON.parse(files["pass.json"]);
  const after = JSON.parse(new PKPass(files, certificates).getAsRaw()["pass.json"]);
  return lost(before, after);
};

const said = [];
console.warn = (...words) => said.push(words.join(" "));
for (const folder of process.argv.slice(2)) {
  said.length = 0;
  let dropped = [];
  try {
    dropped = judge(folder);
  } catch (error) {
    said.push(String(error.message));
  }
  console.log(JSON.stringify({ dropped, said }));
}
