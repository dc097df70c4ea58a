// A gRPC service that speaks gRPC-Web over HTTP/1.1 too, as its documentation has it.

using Grpc.Core;
using Orders;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddGrpc();
WebApplication app = builder.Build();
app.UseGrpcWeb(new GrpcWebOptions { DefaultEnabled = true });
app.MapGrpcService<DeskService>();
app.Run();

public sealed class DeskService : Desk.DeskBase
{
    public override async Task<Receipt> Place(Order order, ServerCallContext context)
    {
        if (order.Count < 0) throw new RpcException(new Status(StatusCode.InvalidArgument, "a count below zero"));
        if (order.Item == "slow") await Task.Delay(Timeout.Infinite, context.CancellationToken);
        context.ResponseTrailers.Add("desk", "seven");
        return new Receipt { Text = $"{order.Count} {order.Item}" };
    }

    public override async Task Watch(Order order, IServerStreamWriter<Receipt> receipts, ServerCallContext context)
    {
        for (int number = 1; number <= order.Count; ++number)
        {
            await receipts.WriteAsync(new Receipt { Text = $"{order.Item} {number}" }, context.CancellationToken);
        }
    }

    public override async Task<Receipt> Collect(IAsyncStreamReader<Order> orders, ServerCallContext context)
    {
        int count = 0;
        await foreach (Order order in orders.ReadAllAsync(context.CancellationToken)) count += order.Count;
        return new Receipt { Text = $"{count} in all" };
    }
}
