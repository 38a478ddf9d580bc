import { once } from "node:events";
import { createServer, type Server } from "node:http";

/** A stand-in of Alibaba Cloud SMS for the product's own client. It records each message, and answers after `answerMilliseconds`. */
export class SmsGateway {
    /** Whether it answers QuerySendDetails, which lists the accepted messages. */
    tellsWhatItTook = true;
    /** How often it accepted each message, by the product's id. */
    private readonly taken = new Map<string, number>();
    private readonly idsOfNumber = new Map<string, string[]>();

    private constructor(
        private readonly server: Server,
        readonly url: string,
        public answerMilliseconds: number,
    ) {}

    static async start(address: string, port: number, answerMilliseconds: number): Promise<SmsGateway> {
        const server = createServer();
        const gateway = new SmsGateway(server, `http://${address}:${port}`, answerMilliseconds);
        server.on("request", async (request, response) => {
            let body = "";
            for await (const chunk of request) {
                body += chunk;
            }
            const asked = new URLSearchParams([...new URL(request.url ?? "/", gateway.url).searchParams, ...new URLSearchParams(body)]);
            const answer = request.headers["x-acs-action"] === "QuerySendDetails" ? gateway.told(asked) : gateway.sent(asked);
            await new Promise((passed) => setTimeout(passed, gateway.answerMilliseconds));
            response.setHeader("Content-Type", "application/json");
            response.end(JSON.stringify(answer));
        });
        server.listen(port, address);
        await once(server, "listening");
        return gateway;
    }

    /** How many messages it accepted. Each is counted once. */
    get count(): number {
        return this.taken.size;
    }

    /** How many of these messages it never accepted. */
    lost(ids: readonly string[]): number {
        return ids.filter((id) => !this.taken.has(id)).length;
    }

    /** How many of these messages it accepted twice or more. */
    repeated(ids: readonly string[]): number {
        return ids.filter((id) => (this.taken.get(id) ?? 0) > 1).length;
    }

    /** Records the message before the answer. A worker that dies while it waits can't know that the message was sent. */
    private sent(asked: URLSearchParams): object {
        const [id, number] = [asked.get("OutId") ?? "", asked.get("PhoneNumbers")?.replace(/^86/, "") ?? ""];
        this.taken.set(id, (this.taken.get(id) ?? 0) + 1);
        this.idsOfNumber.set(number, [...(this.idsOfNumber.get(number) ?? []), id]);
        return { Code: "OK", Message: "OK", RequestId: "0", BizId: id };
    }

    private told(asked: URLSearchParams): object {
        if (!this.tellsWhatItTook) {
            return { Code: "isp.RAM_PERMISSION_DENY", Message: "no permission", RequestId: "0" };
        }
        const [page, size] = [Number(asked.get("CurrentPage")), Number(asked.get("PageSize"))];
        const ids = this.idsOfNumber.get(asked.get("PhoneNumber") ?? "") ?? [];
        const records = ids.slice((page - 1) * size, page * size).map((id) => ({ OutId: id, SendStatus: 1 }));
        return { Code: "OK", Message: "OK", RequestId: "0", TotalCount: `${ids.length}`, SmsSendDetailDTOs: { SmsSendDetailDTO: records } };
    }

    async stop(): Promise<void> {
        this.server.closeAllConnections();
        this.server.close();
        await once(this.server, "close");
    }
}
