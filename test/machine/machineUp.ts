/** Before the suite: the machine is brought up, if it isn't. mocha asks for this only when it is about to run tests. */
import { execa } from "execa";
import { clone } from "../../machine/places";

export async function mochaGlobalSetup(): Promise<void> {
    await execa("npm", ["run", "--silent", "machine"], { cwd: clone, stdio: "inherit" });
}
