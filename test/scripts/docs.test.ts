import assert from "node:assert/strict";
import { execa } from "execa";
import { clone } from "../../toolchain/places";

describe("npm run docs", () => {
    it("builds the site, where every link leads somewhere", async () => {
        const { exitCode, all } = await execa("npm", ["run", "--silent", "docs"], {
            cwd: clone,
            all: true,
            reject: false,
            stdin: "ignore",
        });
        assert.equal(exitCode, 0, all);
    }).timeout(180_000);
});
