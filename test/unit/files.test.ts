import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeWhole } from "../../lab/machine/files";

describe("a file that is written whole", () => {
    let folder: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "sms-files-"));
    });

    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    it("replaces the old one, and only its owner can read it", () => {
        const file = join(folder, "password");
        writeFileSync(file, "old", { mode: 0o644 });
        writeWhole(file, "new");
        assert.equal(readFileSync(file, "utf8"), "new");
        assert.equal(statSync(file).mode & 0o777, 0o600);
        assert.deepEqual(readdirSync(folder), ["password"]);
    });

    it("leaves no half behind if it can't be written", () => {
        mkdirSync(join(folder, "taken"));
        assert.throws(() => writeWhole(join(folder, "taken"), "text"), /EISDIR/);
        assert.deepEqual(readdirSync(folder), ["taken"]);
    });
});
