import Compute
import DiffusionTransformers
import ModelTestSupport
import Synchronization
import Testing

/// What a pass leaves out or takes from an earlier one changes no bit of what it returns.
@Suite("Work that is saved")
struct SavedWorkTests {
  private struct Pass {
    let recording: Recording
    let model: any DiffusionTransformer
    let latent: Tensor
    let conditioning: Conditioning

    init(_ recording: Recording) throws {
      self.recording = recording
      model = try recording.transformer()
      latent = packTokens(try recording.tensor("train.safetensors", "noise", row: 0))
      conditioning = try recording.conditioning(row: 0)
    }

    var grid: TokenGrid { TokenGrid(rows: 1, columns: latent.rows) }

    func velocity(
      _ sigma: Float = 0.7, adapters: AttachedAdapters = [:], options: ForwardOptions = .init()
    ) -> Tensor {
      model.velocity(
        Tape(mode: .inference, adapters: adapters), latent: latent, grid: grid,
        conditioning: conditioning, sigma: sigma, guidance: 3.5, options: options
      ).tensor
    }
  }

  @Test("rows of the last block that nothing depends on", arguments: Recording.allCases)
  func lastBlock(recording: Recording) throws {
    let pass = try Pass(recording)
    let rows = Mutex<[Int]>([])
    let observed = ForwardOptions { state in rows.withLock { $0.append(state.text?.rows ?? 0) } }
    let whole = pass.velocity(options: observed)
    // Observed, the last block shows its text tokens too.
    #expect(rows.withLock { $0.max() } == pass.conditioning.text.rows)
    #expect(pass.velocity() == whole)
  }

  @Test("modulation is kept by what it depends on", arguments: Recording.allCases)
  func modulation(recording: Recording) throws {
    let pass = try Pass(recording)
    let cache = ModulationCache(capacity: 2)
    let kept = ForwardOptions(modulations: cache)
    let expected = [0.7, 0.4].map { pass.velocity($0) }
    #expect(expected[0] != expected[1])
    for _ in 0..<2 {
      #expect(pass.velocity(0.7, options: kept) == expected[0])
      #expect(pass.velocity(0.4, options: kept) == expected[1])
    }
    let size = cache.byteCount
    #expect(size > 0)
    // A third conditioning takes the place of the oldest, which is then made again.
    _ = pass.velocity(0.1, options: kept)
    #expect(cache.byteCount == size)
    #expect(pass.velocity(0.7, options: kept) == expected[0])
  }

  @Test("modulation that an adapter acts on is not shared", arguments: Recording.allCases)
  func adaptedModulation(recording: Recording) throws {
    let pass = try Pass(recording)
    let names = pass.model.linearLayers.filter {
      $0.name.contains("time_text_embed") || $0.name.contains("norm1.linear")
        || $0.name.contains("img_mod") || $0.name.contains("norm_out")
    }
    #expect(names.count > 3)
    for layer in names {
      let factors = LowRankFactors(
        down: Tensor(shape: [1, layer.weight.columns], repeating: 0.1),
        up: Tensor(shape: [layer.weight.rows, 1], repeating: 0.1), scale: 1)
      let adapters = [layer.name: [factors]]
      let cache = ModulationCache(capacity: 2)
      let plain = pass.velocity(options: ForwardOptions(modulations: cache))
      let adapted = pass.velocity(
        adapters: adapters, options: ForwardOptions(modulations: cache))
      #expect(adapted == pass.velocity(adapters: adapters), "\(layer.name)")
      #expect(adapted != plain, "\(layer.name)")
    }
  }
}
