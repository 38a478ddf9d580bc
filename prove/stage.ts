import { execa } from "execa";
import { holdTurn } from "../machine/host";
import { clone } from "../machine/places";
import { step } from "../machine/progress";
import type { Stage } from "./experiment";
import { Origin } from "./origin";
import { Product } from "./product";

const refusal =
    "Another `npm run prove`, `dashboard`, `bench` or `test` is at work: each would be a load on what the other counts. Wait for it to end.";

/** Deploys what an experiment asks for, once, and removes it at the end. One at a time. */
export class Played implements Stage {
    private ours?: Promise<Product>;
    private theirs?: Promise<Origin>;

    private constructor(private readonly endTurn: () => void) {}

    /** `onMachine`: the machine is brought up, if it isn't. */
    static async begin({ onMachine }: { onMachine: boolean }): Promise<Played> {
        const played = new Played(await holdTurn("sms-prove", refusal));
        if (onMachine) {
            await execa("npm", ["run", "--silent", "machine"], { cwd: clone, stdio: "inherit" });
        }
        return played;
    }

    product(): Promise<Product> {
        this.ours ??= step("this program's stack", async () => {
            if (this.theirs === undefined) {
                // What a run that was killed has left takes the room.
                await Origin.remove();
            }
            return Product.start();
        });
        return this.ours;
    }

    origin(): Promise<Origin> {
        this.theirs ??= step("the origin's manifest", () => Origin.start());
        return this.theirs;
    }

    /** The next experiment may need the room for a stack of its own. */
    async clearOrigin(): Promise<void> {
        if ((await this.theirs?.catch(() => undefined)) !== undefined) {
            await Origin.remove();
        }
        this.theirs = undefined;
    }

    async clear(): Promise<void> {
        await (await this.ours?.catch(() => undefined))?.remove();
        await this.clearOrigin();
        this.endTurn();
    }
}
