import assert from "node:assert/strict";
import { stackName } from "../../cli/stackName";
import { listedAs } from "../../operations/stacks";

const inFiles = JSON.stringify([{ name: "test" }, { name: "online" }]);
const url = (organization: string) => `https://app.pulumi.com/${organization}/sms/online`;
const inCloud = JSON.stringify([
    { name: "other/online", url: url("other") },
    { name: "online", url: url("acme") },
]);

describe("a stack in the backend's list", () => {
    it("is found by its name, also by its whole name", () => {
        assert.deepEqual(listedAs(stackName("online"), inFiles), { name: "online" });
        assert.deepEqual(listedAs(stackName("organization/sms/online"), inFiles), { name: "online" });
    });

    it("isn't found by a part of its name", () => {
        assert.equal(listedAs(stackName("line"), inFiles), undefined);
    });

    it("is the one of its organization", () => {
        assert.equal(listedAs(stackName("acme/sms/online"), inCloud)?.url, url("acme"));
        assert.equal(listedAs(stackName("other/online"), inCloud)?.url, url("other"));
        assert.equal(listedAs(stackName("third/online"), inCloud), undefined);
    });
});
