import assert from "node:assert/strict";
import fc from "fast-check";
import { badFile, verdict } from "../../prove/stackFiles";

describe("a stack file with one thing wrong in it", () => {
    it("is refused by the key that is wrong, whatever is wrong", function () {
        this.timeout(60_000);
        fc.assert(
            fc.property(badFile(), (file) => assert.equal(verdict(file), "refused")),
            { numRuns: 100 },
        );
    });
});
