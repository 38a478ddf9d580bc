import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Attempt, deploysPatience, whileBusy } from "../../operations/patience";

const busy = "updating: [ERROR] Resource alicloud_kvstore_account Modify Failed!!! SDKError: Code: IncorrectDBInstanceState Message: …";
const whole = "update failed";
const done: Attempt = { exitCode: 0, errors: [] };
const failed = (...errors: string[]): Attempt => ({ exitCode: 255, errors: [...errors, whole] });

/** Runs `whileBusy` with these results of the attempts. Returns the exit code, the attempts and the number of lines. */
async function ends(...attempts: Attempt[]) {
    const said: string[] = [];
    const firsts: boolean[] = [];
    const attempt = async (isFirst: boolean) => {
        firsts.push(isFirst);
        return attempts[firsts.length - 1] as Attempt;
    };
    const exitCode = await whileBusy(attempt, { attempts: 3, pauseSeconds: 0, say: (line) => said.push(line) });
    return { exitCode, firsts, said: said.length };
}

describe("a deploy of a busy store", () => {
    it("is repeated until the store accepts the change, with a message", async () => {
        const mongo = failed("Code: OperationDenied.DBInstanceStatus Message: …", busy);
        assert.deepEqual(await ends(failed(busy), mongo, done), { exitCode: 0, firsts: [true, false, false], said: 2 });
    });

    it("ends with the engine's own exit code if the store stays busy", async () => {
        assert.deepEqual(await ends(failed(busy), failed(busy), failed(busy)), { exitCode: 255, firsts: [true, false, false], said: 2 });
    });

    it("waits before it is repeated", async () => {
        const attempts = [failed(busy), done];
        const start = performance.now();
        await whileBusy(async () => attempts.shift() ?? done, { attempts: 2, pauseSeconds: 0.2, say: () => {} });
        assert.ok(performance.now() - start > 190);
    });

    it("is repeated as often and as late as the docs say", () => {
        assert.deepEqual(deploysPatience, { attempts: 1 + 4, pauseSeconds: 30 });
        assert.match(readFileSync("docs/going-online.md", "utf8"), /`npm run deploy` repeats the change four times, half a minute apart/);
    });

    for (const [what, attempt] of [
        ["nothing went wrong", done],
        ["something else went wrong", failed("Code: InvalidAccountPassword.Malformed Message: …")],
        ["something else went wrong too", failed(busy, "the Deployment sms-web never got ready")],
        ["it isn't known what went wrong", { exitCode: 1, errors: [] }],
        ["the engine only says that it failed", failed()],
    ] as const) {
        it(`runs once if ${what}`, async () => {
            assert.deepEqual(await ends(attempt, done), { exitCode: attempt.exitCode, firsts: [true], said: 0 });
        });
    }
});
