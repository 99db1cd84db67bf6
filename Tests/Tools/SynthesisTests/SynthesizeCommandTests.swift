import Checkpoints
import Glibc
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("synthesize-checkpoint")
struct SynthesizeCommandTests {
  private let command = BuiltCommand("synthesize-checkpoint")
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("writes a whole Qwen-Image that takes no space")
  func zeros() throws {
    let path = folder.path.appending("transformer")
    let outcome = try command.run([
      "--family", "qwen-image", "--fill", "zeros", "--shard-size", "10GB", "--output", path.string,
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let source = try TensorSource(opening: path)
    #expect(source.byteCount == 40_860_802_176)
    #expect(source.tensors.count == 1933)
    #expect(source.files.count == 5)
    let configuration = try Configuration(reading: path.appending("config.json"))
    let found = CheckpointDescription(
      tensors: source.tensors.map(\.description), configuration: configuration)
    #expect(found.variant?.name == "image")
    #expect(found.problems == [])
    for file in source.files {
      var status = stat()
      #expect(unsafe stat(file.string, &status) == 0)
      #expect(status.st_blocks * 512 < 1 << 20)
    }
  }

  @Test("draws an adapter whose change has the size asked for")
  func adapter() throws {
    let path = folder.path.appending("adapter.safetensors")
    let outcome = try command.run([
      "--family", "flux1", "--blocks", "1,0", "--adapter", "4", "--targets", "reference",
      "--delta", "0.05", "--dtype", "f32", "--output", path.string,
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let file = try SafetensorsFile(opening: path)
    #expect(file.tensors.count == 8)
    let head = "transformer.transformer_blocks.0.attn.to_q."
    let down = try file.tensor(named: head + "lora_A.weight")
    let up = try file.tensor(named: head + "lora_B.weight")
    #expect(down.shape == [4, 3072] && up.shape == [3072, 4])
    // ‖BA‖² = Σ over pairs of ranks of (BᵀB)ᵢⱼ (AAᵀ)ᵢⱼ; weights have deviation 0.02.
    let a = down.floats().map(Double.init)
    let b = up.floats().map(Double.init)
    var squares = 0.0
    for i in 0..<4 {
      for j in 0..<4 {
        let inner = (0..<3072).reduce(0) { $0 + a[i * 3072 + $1] * a[j * 3072 + $1] }
        let outer = (0..<3072).reduce(0) { $0 + b[$1 * 4 + i] * b[$1 * 4 + j] }
        squares += inner * outer
      }
    }
    let size = (squares / (3072 * 3072)).squareRoot() / 0.02
    // 24,576 draws: the deviation of the estimate is under one part in a hundred.
    #expect(abs(size / 0.05 - 1) < 0.05)
  }

  @Test(
    "names what it doesn't know",
    arguments: [
      ["--family", "sdxl"], ["--family", "flux1", "--variant", "pro"],
      ["--family", "flux1", "--layout", "onnx"], ["--family", "flux1", "--blocks", "3"],
      ["--family", "flux1", "--adapter", "4", "--targets", "none"],
      ["--family", "flux1", "--adapter", "4", "--dialect", "xlabs"],
    ])
  func refusal(arguments: [String]) throws {
    let outcome = try command.run(arguments + ["--output", folder.path.appending("x").string])
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains("expected"))
    #expect(folder.entries == [])
  }

  @Test(
    "says in one line which option a pipeline can't have",
    arguments: [
      (
        ["--adapter", "4"], "--adapter: expected without --pipeline; an adapter is one file"
      ),
      (["--layout", "bfl"], "--layout: expected diffusers with --pipeline, found bfl"),
      (["--variant", "fill"], "--variant: expected dev with --pipeline, found fill"),
      (
        ["--encoder-layers", "2"],
        "--encoder-layers: expected a count from 1 to 1000 of CLIP, then of T5, found 2"
      ),
      (
        ["--encoder-layers", "0,2"],
        "--encoder-layers: expected a count from 1 to 1000 of CLIP, then of T5, found 0,2"
      ),
      (
        ["--encoder-layers", "2,2,x"],
        "--encoder-layers: expected a count from 1 to 1000 of CLIP, then of T5, found 2,2,x"
      ),
      (["--fill", "ones"], "The value 'ones' is invalid for '--fill <fill>'"),
    ] as [([String], String)])
  func pipelineRefusal(arguments: [String], message: String) throws {
    let outcome = try command.run(
      ["--family", "flux1", "--pipeline", "--output", folder.path.appending("x").string]
        + arguments)
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(folder.entries == [])
  }

  @Test func aPipelineIsNoFileAndOnlyAPipelineHasEncoders() throws {
    let file = folder.path.appending("x.safetensors").string
    let pipeline = try command.run(["--family", "flux1", "--pipeline", "--output", file])
    #expect(pipeline.status == 64)
    #expect(
      pipeline.errors.contains("--output: expected a folder with --pipeline, found \(file)"))
    let checkpoint = try command.run([
      "--family", "flux1", "--encoder-layers", "2,2", "--output", file,
    ])
    #expect(checkpoint.status == 64)
    #expect(checkpoint.errors.contains("--encoder-layers: expected with --pipeline only"))
    #expect(folder.entries == [])
  }
}
