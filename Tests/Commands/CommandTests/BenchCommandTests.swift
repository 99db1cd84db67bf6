import Compute
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("glance-bench", .serialized)
struct BenchCommandTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-bench")

  init() throws { folder = try TemporaryFolder() }

  private static let model = Fixtures.model("tiny-flux").string
  private static let transformer = Fixtures.model("tiny-flux").appending("transformer").string

  private static let small: [[String]] = [
    ["gemm", "--rows", "8,16", "--shapes", "96x64,48x32"],
    ["attention", "--tokens", "16", "--heads", "2"],
    ["convolution", "--maps", "8x16"],
    ["convolution", "--model", model, "--sides", "16,32"],
    ["step", "--model", model, "--tokens", "16", "--text-tokens", "8", "--rank", "2"],
    ["sample", "--model", model, "--tokens", "16", "--text-tokens", "8"],
    ["convert", "--checkpoint", transformer, "--dtype", "f16", "--scratch", "."],
    ["inspect", "--checkpoint", transformer],
  ]

  @Test("prints the machine and figures that are finite and positive", arguments: small)
  func figures(arguments: [String]) throws {
    let scratch = arguments.map { $0 == "." ? folder.path.string : $0 }
    let outcome = try command.run(
      scratch + ["--rounds", "2", "--threads", "1", "--json", "--quiet"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors == "")
    let report = try JSONValue(parsing: outcome.output)
    #expect(report["format"] == "glance-bench/1")
    #expect(report["benchmark"]?.string == arguments[0])
    let machine = try #require(report["machine"])
    #expect(machine["threads"] == 1)
    #expect(machine["processor"]?.string?.isEmpty == false)
    #expect(machine["openblas"]?.string?.hasPrefix("OpenBLAS ") == true)
    // An autoencoder is in float32 alone.
    let isDecoding = arguments.starts(with: ["convolution", "--model"])
    #expect(machine["kernels"]?.array?.count == (isDecoding ? 1 : 2))
    let comparisons = try #require(report["comparisons"]?.array)
    #expect(!comparisons.isEmpty)
    for comparison in comparisons {
      let contenders = try #require(comparison["contenders"]?.array)
      #expect(contenders.count >= 2)
      #expect(contenders.last?["name"] == comparison["reference"])
      #expect(contenders.last?["ratio"]?.double == 1)
      for contender in contenders {
        for key in ["seconds", "ratio"] {
          let figure = try #require(contender[key]?.double)
          #expect(figure.isFinite && figure > 0)
        }
        #expect(contender["samples"]?.array?.count == 2)
        guard comparison["basis"] == "operations-per-cpu-second" else { continue }
        #expect(try #require(contender["gflops_per_cpu_second"]?.double) > 0)
      }
    }
    #expect(folder.entries == [])
  }

  @Test("prints a table with the medians of a group")
  func table() throws {
    let outcome = try command.run(["--rounds", "1", "--precision", "float32"] + Self.small[0])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.contains("y = x·Wᵀ, 8 rows"))
    #expect(lines.count { $0.hasPrefix("  median") } == 4)
    #expect(lines.contains { $0.hasPrefix("  96x64 ") && $0.contains("glance float32") })
    #expect(
      outcome.errors.hasPrefix(
        """
        glance-bench: PyTorch isn't timed: --python names a Python that has it
        glance-bench: timing y = x·Wᵀ, 8 rows, 96x64

        """))
  }

  @Test("times the kernels that are asked for, by their names")
  func kernels() throws {
    let outcome = try command.run(
      ["--kernels", "openblas", "--rounds", "1", "--json", "--quiet"] + Self.small[0])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try JSONValue(parsing: outcome.output)
    #expect(report["machine"]?["kernels"] == ["OpenBLAS float32"])
    let comparisons = try #require(report["comparisons"]?.array)
    #expect(comparisons.count == 8)
    for comparison in comparisons {
      #expect(
        comparison["contenders"]?.array?.map { $0["name"] }
          == ["glance openblas float32", "OpenBLAS float32"])
    }
  }

  @Test(
    "times several kernels in turn, each by its name",
    .enabled(if: ProductLevel.available.contains(.avx2)))
  func severalKernels() throws {
    for (arguments, names) in [
      (Self.small[1], ["glance avx2 float32", "glance avx2 bfloat16"]),
      (Self.small[4], ["step, avx2 float32", "step, avx2 bfloat16", "step, openblas float32"]),
      (Self.small[5], ["pass, avx2 float32", "pass, avx2 bfloat16", "pass, openblas float32"]),
    ] {
      let kernels = names.count == 2 ? "avx2" : "avx2,openblas"
      let outcome = try command.run(
        ["--kernels", kernels, "--rounds", "1", "--json", "--quiet"] + arguments)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let comparisons = try #require(JSONValue(parsing: outcome.output)["comparisons"]?.array)
      let contenders = comparisons.compactMap { $0["contenders"]?.array?.first?["name"]?.string }
      #expect(Array(contenders.prefix(names.count)) == names)
      #expect(
        comparisons.prefix(names.count).map {
          $0["reference"]?.string?.split(separator: " ").dropFirst(2)
        }
          == names.map { $0.split(separator: " ").dropFirst() })
    }
  }

  @Test("bakes an adapter, and leaves nothing")
  func merging() throws {
    let train = try BuiltCommand("glance-train-lora").run(
      tinyTraining(in: folder, ["--phase", "slow", "--steps", "1", "--quiet"]))
    #expect(train.status == 0, "\(train.errors)")
    let out = folder.path.appending("out")
    let before = TemporaryFolder.names(in: out)
    let outcome = try command.run([
      "merge", "--checkpoint", Self.model, "--adapter", out.appending("a-slow.safetensors").string,
      "--scratch", out.string, "--rounds", "1",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("cp and fsync"))
    #expect(TemporaryFolder.names(in: out) == before)
  }

  @Test("leaves nothing when a signal ends it")
  func interrupted() throws {
    let running = try command.start([
      "convert", "--checkpoint", Self.transformer, "--scratch", folder.path.string,
      "--rounds", "10000",
    ])
    // Until an output is there; it is gone again soon.
    #expect(running.waits { !folder.entries.isEmpty })
    running.send(2)
    #expect(try running.outcome().status == 130)
    #expect(folder.entries == [])
  }

  @Test(
    "refuses what makes no sense, in one line",
    arguments: [
      (["gemm", "--heads", "2"], 64, "--heads is for attention, not for gemm."),
      (["gemm", "--rows", "0"], 64, "expected numbers from 1 to 1000000 with commas between"),
      (["gemm", "--kernels", "sse"], 64, "expected, on this machine, some of "),
      (["gemm", "--kernels", ""], 64, "openblas, found ''"),
      (
        ["gemm", "--kernels", "openblas", "--precision", "bfloat16"], 64,
        "--kernels openblas computes in float32; leave --precision out."
      ),
      (["inspect", "--kernels", "openblas"], 64, "--kernels is for gemm, attention, "),
      (
        ["step", "--kernels", "openblas", "--device", "cuda"], 64,
        "--kernels are the processor's own; leave --device out."
      ),
      (
        ["attention", "--kernels", "openblas"], 64,
        "--kernels openblas is for products with weights, not for attention."
      ),
      (["gemm", "--kernels", "openblas,openblas"], 64, "--kernels: openblas stands there twice"),
      (["gemm", "--shapes", "3072"], 64, "expected pairs such as 512x128"),
      (["convert"], 64, "convert takes --checkpoint, a file or a folder."),
      (["merge", "--checkpoint", "x"], 64, "merge takes --adapter, at least one."),
      (["step", "--rounds", "0"], 64, "--rounds: expected 1 to 10000, found 0"),
      (["step", "--model", "x", "--blocks", "1,1"], 64, "--blocks is for made-up weights"),
      (["step", "--blocks", "1"], 64, "--blocks: expected two counts of blocks, such as 1,2"),
      (
        ["step", "--family", "qwen-image", "--blocks", "1,2"], 64,
        "--blocks: expected one count of blocks, such as 2"
      ),
      (["step", "--model", "x", "--family", "flux1"], 64, "--family is for made-up weights"),
      (["convolution", "--model", "x", "--maps", "8x16"], 64, "--maps is for made-up weights"),
      (
        ["convolution", "--model", "x", "--precision", "bfloat16"], 64,
        "--precision is for made-up weights"
      ),
      (["convolution", "--sides", "64"], 64, "--sides needs a --model"),
      (["dance"], 64, "dance"),
      (["convert", "--checkpoint", "/nowhere"], 66, "/nowhere: "),
      (["inspect", "--checkpoint", "/nowhere"], 66, "/nowhere: "),
      (["inspect", "--checkpoint", "/dev/null"], 65, "/dev/null: has no safetensors header"),
      (["inspect", "--checkpoint", "/proc/self/fdinfo"], 65, "has no .safetensors file"),
    ] as [([String], Int32, String)])
  func refusals(arguments: [String], status: Int32, message: String) throws {
    let outcome = try command.run(arguments)
    #expect(outcome.status == status)
    #expect(outcome.output == "")
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }
}
