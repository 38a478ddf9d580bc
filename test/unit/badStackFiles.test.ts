import assert from "node:assert/strict";
import fc from "fast-check";
import { badFile, verdict } from "../../lab/reliability/stackFiles";

describe("a stack file with one fault", () => {
    it("is refused with the key of the fault, for any fault", function () {
        this.timeout(60_000);
        fc.assert(
            fc.property(badFile(), (file) => assert.equal(verdict(file), "refused")),
            { numRuns: 100 },
        );
    });
});
