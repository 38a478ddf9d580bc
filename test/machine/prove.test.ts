import assert from "node:assert/strict";
import { type Experiment, isMet } from "../../lab/reliability/experiment";
import { experiments } from "../../lab/reliability/experiments";
import { Played } from "../../lab/reliability/stage";

/** Runs the experiment's short form. Fails with the counts that miss their goals, and the notes. Times are not checked. */
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
    outages: "answers clearly while Redis and MongoDB are unavailable, and loses no accepted message",
    beat: "misses no tick and sends none twice while beat is killed, rolled and doubled",
    ups: "converges with the next `up` after a killed one",
    door: "refuses requests without a valid token, and serves all others",
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
