import assert from "node:assert/strict";
import { type Experiment, isMet } from "../../prove/experiment";
import { experiments } from "../../prove/experiments";
import { Played } from "../../prove/stage";

/** Fails with the counts that miss their goals in the experiment's short form, and why. Times aren't goals of a test. */
async function assertMet({ trial }: Experiment, stage: Played): Promise<void> {
    const { counts, notes = [] } = await trial(stage, { kind: "ours" }, "short");
    assert.ok(counts.some(({ goal }) => goal !== undefined));
    const missed = counts.filter((count) => !count.isTime && !isMet(count));
    const found = missed.map(({ group, what, value }) => `${group}: ${what}: ${value}`);
    assert.equal(missed.length, 0, [...found, ...notes].join("\n"));
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
    let stage: Played;
    before(async () => {
        stage = await Played.begin({ onMachine: false });
    });
    after(() => stage?.clear());

    for (const experiment of experiments.filter(({ name }) => name in promises)) {
        it(`${promises[experiment.name]}`, async () => {
            await assertMet(experiment, stage);
        });
    }
});
