import assert from "node:assert/strict";
import { type Experiment, isMet } from "../../prove/experiment";
import { experiments } from "../../prove/experiments";
import { Played } from "../../prove/stage";

/** The counts that miss their goals in the experiment's short form. Times aren't goals of a test. */
async function missed({ trial }: Experiment, stage: Played): Promise<string[]> {
    const { counts } = await trial(stage, { kind: "ours" }, "short");
    assert.ok(counts.some(({ goal }) => goal !== undefined));
    return counts.filter((count) => !count.isTime && !isMet(count)).map(({ group, what, value }) => `${group}: ${what}: ${value}`);
}

const promises: Record<string, string> = {
    rollouts: "refuses no request while web rolls",
    messages: "loses no message and sends none twice while workers are killed, rolled and scaled",
    outages: "answers clearly while Redis and MongoDB are away, and loses nothing that it accepted",
    beat: "misses no tick and sends none twice while beat is killed, rolled and doubled",
    ups: "comes to order with the next `up` after one that was killed",
    configs: "refuses 500 bad stack files, each with its key",
};

describe("the product in trouble", () => {
    const stage = new Played();

    after(() => stage.clear());

    for (const experiment of experiments.filter(({ name }) => name in promises)) {
        it(`${promises[experiment.name]}`, async () => {
            assert.deepEqual(await missed(experiment, stage), []);
        });
    }
});
