import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { clone } from "../../toolchain/places";

const versions = [...readFileSync(join(clone, "CHANGELOG.md"), "utf8").matchAll(/^## \[(.+)\](?: - (.+))?$/gm)].map(([, name, date]) => ({
    name,
    date,
}));

describe("CHANGELOG.md", () => {
    it("begins with what is not in a version yet, and then has the version of package.json", () => {
        const { version } = require("../../package.json") as { version: string };
        assert.deepEqual([versions[0], versions[1]?.name], [{ name: "Unreleased", date: undefined }, version]);
    });

    it("has the same version in package-lock.json", () => {
        const { version } = require("../../package.json") as { version: string };
        const lock = require("../../package-lock.json") as { version: string; packages: Record<string, { version: string }> };
        assert.deepEqual([lock.version, lock.packages[""]?.version], [version, version]);
    });

    it("has a date for each version, newest first", () => {
        const dates = versions.slice(1).map(({ date }) => date);
        assert.ok(dates.every((date) => /^\d{4}-\d{2}-\d{2}$/.test(date ?? "")));
        assert.deepEqual(dates, [...dates].sort().reverse());
    });
});
