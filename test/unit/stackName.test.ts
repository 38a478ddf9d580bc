import assert from "node:assert/strict";
import { nameOnly, stackName } from "../../cli/stackName";

describe("a stack's name", () => {
    for (const [text, name] of [
        ["online", "online"],
        ["eu-1.online_2", "eu-1.online_2"],
        ["acme/online", "online"],
        ["acme/sms/online", "online"],
        ["organization/sms/online", "online"],
    ] as const) {
        it(`is read from ${text}`, () => assert.deepEqual(stackName(text), { name, qualified: text }));
    }

    for (const text of ["", ".", "..", "../x", "x/..", "/x", "x/", "a/other/online", "a/b/c/d", "=online", "on line", "on\nline", "-x"]) {
        it(`is not ${JSON.stringify(text)}`, () => assert.throws(() => stackName(text), /Allowed: a stack's name/));
    }

    it("has no organization if the stack is in none of the user's backends", () => {
        assert.equal(nameOnly("online"), "online");
        assert.throws(() => nameOnly("acme/sms/online"), /here online/);
    });
});
