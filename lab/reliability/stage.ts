import { execa } from "execa";
import { clone } from "../../toolchain/places";
import { step } from "../../toolchain/progress";
import { holdTurn } from "../machine/host";
import type { Stage } from "./experiment";
import { Origin } from "./origin";
import { Product } from "./product";

const refusal =
    "Another `npm run prove`, `dashboard`, `bench` or `test` is at work, and would disturb the measurements. Wait for it to end.";

/** Deploys each program once, on its first use, and removes it at the end. Only one process can do this at a time. */
export class Played implements Stage {
    private ours?: Promise<Product>;
    private theirs?: Promise<Origin>;

    private constructor(private readonly endTurn: () => void) {}

    /** If `onMachine` is true, starts the machine unless it already runs. */
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
                // The pods that a killed run left would take the capacity.
                await Origin.remove();
            }
            return Product.start();
        });
        return this.ours;
    }

    origin(): Promise<Origin> {
        this.theirs ??= step("the original manifest", () => Origin.start());
        return this.theirs;
    }

    /** Removes the origin: the next experiment may need the capacity for its own stack. */
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
