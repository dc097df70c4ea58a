// Clients that Microsoft ships, against a server of ours; what they got is printed as a line of JSON for each step.
// The certificate is the one in SSL_CERT_FILE.
//
//   signalr URL WebSockets|ServerSentEvents|LongPolling VERSION [LINE]   with LINE it waits for one on stdin and echoes again
//   grpcweb URL GrpcWeb|GrpcWebText VERSION

using System.Net;
using System.Text.Json;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Web;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using Orders;

Version version = Version.Parse(args[3]);
await (args[0] == "signalr" ? SignalR(args[1], Enum.Parse<HttpTransportType>(args[2])) : GrpcWeb(args[1], Enum.Parse<GrpcWebMode>(args[2])));

async Task SignalR(string url, HttpTransportType transport)
{
    await using HubConnection connection = new HubConnectionBuilder().WithUrl(url, transport, options =>
    {
        options.HttpMessageHandlerFactory = inner => new OfVersion(version) { InnerHandler = inner };
        options.WebSocketConfiguration = socket =>
        {
            socket.HttpVersion = version;
            socket.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        };
    }).Build();
    TaskCompletionSource<string> told = new();
    connection.On<string>("told", told.SetResult);
    await connection.StartAsync();
    Say("echo", await connection.InvokeAsync<string>("Echo", "höher"));
    Say("large", (await connection.InvokeAsync<string>("Echo", new string('x', 20_000))).Length);
    List<int> numbers = [];
    await foreach (int number in connection.StreamAsync<int>("Count", 100)) numbers.Add(number);
    Say("count", numbers.Sum());
    await connection.InvokeAsync("Tell", "everybody");
    Say("told", await told.Task);
    if (args.Length <= 4) return;
    Console.ReadLine();
    Say("again", await connection.InvokeAsync<string>("Echo", connection.State.ToString()));
}

async Task GrpcWeb(string url, GrpcWebMode mode)
{
    using GrpcChannel channel = GrpcChannel.ForAddress(url, new GrpcChannelOptions
    {
        HttpHandler = new OfVersion(version) { InnerHandler = new GrpcWebHandler(mode, new HttpClientHandler()) },
        HttpVersion = version,
    });
    Desk.DeskClient desk = new(channel);
    AsyncUnaryCall<Receipt> call = desk.PlaceAsync(new Order { Item = "chairs", Count = 4 });
    Say("unary", (await call.ResponseAsync).Text);
    Say("trailer", call.GetTrailers().GetValue("desk"));
    List<string> seen = [];
    using (AsyncServerStreamingCall<Receipt> watch = desk.Watch(new Order { Item = "chair", Count = 50 }))
    {
        await foreach (Receipt receipt in watch.ResponseStream.ReadAllAsync()) seen.Add(receipt.Text);
    }
    Say("stream", $"{seen.Count} {seen[^1]}");
    Say("error", await Failure(desk.PlaceAsync(new Order { Count = -1 }).ResponseAsync));
    Say("deadline", await Failure(desk.PlaceAsync(new Order { Item = "slow" }, deadline: DateTime.UtcNow.AddSeconds(1)).ResponseAsync));
    Say("large", (await desk.PlaceAsync(new Order { Item = new string('x', 3_000_000) })).Text.Length);
}

static async Task<string> Failure(Task<Receipt> task)
{
    try
    {
        return (await task).Text;
    }
    catch (RpcException failed)
    {
        return $"{failed.StatusCode}: {failed.Status.Detail}";
    }
}

static void Say(string step, object? result) => Console.WriteLine(JsonSerializer.Serialize(new { step, result }));

internal sealed class OfVersion(Version version) : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        request.Version = version;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        return base.SendAsync(request, cancellation);
    }
}
