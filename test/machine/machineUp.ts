/** Starts the machine before the suite, if it does not run yet. mocha loads this file only if it runs tests. */
import { execa } from "execa";
import { clone } from "../../toolchain/places";

export async function mochaGlobalSetup(): Promise<void> {
    await execa("npm", ["run", "--silent", "machine"], { cwd: clone, stdio: "inherit" });
}
