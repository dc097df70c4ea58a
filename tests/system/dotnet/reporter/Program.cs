// A host as WebApplication.CreateBuilder makes it, that tells what it has seen of a request. The first argument says
// what else it does, or what is wrong with it:
//
//   serve      nothing (the default)
//   slow       needs three seconds before it listens
//   throws     an exception in Program, before the host is built
//   broken     an exception of a hosted service, while the host starts
//   stubborn   begins to stop when it is told to, and never comes to an end
//   worker     a service that does not listen
//   ports N    listens on port N, whatever it was told
//   inherits   listens on what it inherits

using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Reporter;

string mode = args.FirstOrDefault("serve");
if (mode == "throws") throw new InvalidOperationException("the connection string \"Orders\" is missing");
if (mode == "slow") Thread.Sleep(TimeSpan.FromSeconds(3));
if (mode == "worker")
{
    HostApplicationBuilder service = Host.CreateApplicationBuilder(args);
    service.Services.AddHostedService<Ticking>();
    service.Build().Run();
    return;
}

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddSignalR();
if (mode == "broken") builder.Services.AddHostedService<Broken>();
if (mode == "ports") builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(int.Parse(args[1])));
if (mode == "inherits") builder.WebHost.ConfigureKestrel(kestrel => kestrel.UseSystemd());
WebApplication app = builder.Build();
if (mode == "stubborn") app.Lifetime.ApplicationStopping.Register(() => Thread.Sleep(Timeout.Infinite));

app.UseWebSockets();
app.MapHub<Chat>("/chat");
app.MapGet("/pid", () => Environment.ProcessId.ToString());
app.MapGet("/crash", () => Environment.FailFast("asked to crash"));
app.MapGet("/exit", (int code) => Environment.Exit(code));
app.MapGet("/throw", void () => throw new InvalidOperationException("asked to throw"));
app.MapGet("/slow", async (int milliseconds) => { await Task.Delay(milliseconds); return "slow"; });
app.MapGet("/unfinished", async (HttpContext context) =>
{
    await context.Response.WriteAsync("half of it");
    await context.Response.Body.FlushAsync();
    await Task.Delay(200); // until the socket has it
    context.Abort();
});
app.MapPost("/limited", [RequestSizeLimit(100_000)] (HttpContext context) => Report(context));
app.MapPost("/unlimited", [DisableRequestSizeLimit] (HttpContext context) => Report(context));
app.MapGet("/host", async (IServiceProvider services, IServer server) => new
{
    Environment = Environment.GetEnvironmentVariables(),
    Addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses,
    Schemes = services.GetService<IAuthenticationSchemeProvider>() is { } schemes ? (await schemes.GetAllSchemesAsync()).Select(scheme => scheme.Name) : [],
});
app.MapFallback(Report);
app.Run();

static async Task Report(HttpContext context)
{
    using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    byte[] piece = new byte[64 * 1024];
    long size = 0;
    for (int read; (read = await context.Request.Body.ReadAsync(piece)) > 0; size += read) hash.AppendData(piece, 0, read);
    HttpRequest request = context.Request;
    ConnectionInfo connection = context.Connection;
    await context.Response.WriteAsJsonAsync(new
    {
        request.Method,
        request.Scheme,
        request.IsHttps,
        Host = request.Host.Value,
        PathBase = request.PathBase.Value,
        Path = request.Path.Value,
        Query = request.QueryString.Value,
        request.Protocol,
        Client = connection.RemoteIpAddress?.ToString(),
        Certificate = connection.ClientCertificate?.Subject,
        User = context.User.Identity?.Name,
        Size = size,
        Hash = Convert.ToHexStringLower(hash.GetHashAndReset()),
        Fields = request.Headers.Select(field => new[] { field.Key, field.Value.ToString() }),
        Trailers = context.Features.Get<IHttpResponseTrailersFeature>() is not null,
        Reset = context.Features.Get<IHttpResetFeature>() is not null,
        Upgrade = context.WebSockets.IsWebSocketRequest,
    }, new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower });
}
