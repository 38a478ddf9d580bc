import { type AddressInfo, createServer } from "node:net";

/** Whether this port of 127.0.0.1 is free. */
export async function isFree(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
}

/** A free port of 127.0.0.1, chosen by the system. */
export function freePort(): Promise<number> {
    return new Promise((done, fail) => {
        const server = createServer().once("error", fail);
        server.listen(0, "127.0.0.1", () => {
            const { port } = server.address() as AddressInfo;
            server.close(() => done(port));
        });
    });
}

/** The first free port in the list, or undefined. */
export async function firstFree(ports: readonly number[]): Promise<number | undefined> {
    for (const port of ports) {
        if (await isFree(port)) {
            return port;
        }
    }
    return undefined;
}
