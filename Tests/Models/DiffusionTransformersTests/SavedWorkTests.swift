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

  /// Arithmetic of work on a tape that has no numbers.
  private func work(
    _ mode: Tape.Mode = .inference, adapters: (PlanningEngine) -> AttachedAdapters = { _ in [:] },
    _ body: (Tape, PlanningEngine) -> Void
  ) -> Work {
    let ledger = WorkLedger()
    let engine = PlanningEngine(ledger)
    body(
      Tape(
        mode: mode, engine: engine, adapters: adapters(engine),
        factorGradients: FactorGradientStore()), engine)
    return ledger.work
  }

  @Test("what is left out is not computed", arguments: Recording.allCases)
  func counted(recording: Recording) throws {
    let pass = try Pass(recording)
    func velocity(_ tape: Tape, _ engine: PlanningEngine, _ options: ForwardOptions) -> Variable {
      pass.model.velocity(
        tape, latent: engine.placeholder(pass.latent.shape), grid: pass.grid,
        conditioning: pass.conditioning, sigma: 0.7, guidance: 3.5, options: options)
    }
    let plain = work { _ = velocity($0, $1, ForwardOptions()) }

    let layers = pass.model.passLayers
    func operations(_ layers: [LinearLayer], rows: Int = 1) -> Double {
      layers.reduce(0) { $0 + 2 * Double(rows * $1.weight.rows * $1.weight.columns) }
    }

    // Modulation that is kept: of layers that act on vectors those alone by whose result it is found.
    let cache = ModulationCache(capacity: 1)
    let passes = work {
      for _ in 0..<2 { _ = velocity($0, $1, ForwardOptions(modulations: cache)) }
    }
    let made = layers.ofVectors.filter { !$0.name.hasPrefix("time_text_embed.") }
    #expect(made.count > 3)
    #expect(2 * plain.operations - passes.operations == operations(made))

    // By hand: a token's query, key, value, output and a feed-forward of four times the width are 12 squares of
    // the width in every block; of text tokens the last block computes keys and values alone, and attends from none.
    let (text, image) = (pass.conditioning.text.rows, pass.latent.rows)
    let last = try #require(layers.aroundBlocks.last { $0.name.contains("proj_out") })
    let width = last.weight.columns
    let embedsText = ["context_embedder", "txt_in"]
    let aroundBlocks =
      operations(layers.aroundBlocks.filter { embedsText.contains($0.name) }, rows: text)
      + operations(layers.aroundBlocks.filter { !embedsText.contains($0.name) }, rows: image)
    let blocks = layers.blocks.count
    #expect(
      plain.productOperations
        == operations(layers.ofVectors) + aroundBlocks
        + Double(2 * width * width * (12 * blocks * (text + image) - 10 * text)))
    #expect(
      plain.attentionOperations
        == Double(4 * width * (text + image) * (blocks * (text + image) - text)))

    // An adapter of the last layer: two products of its rank forwards, three backwards, and nothing of the base's.
    let (rank, rows, columns) = (2, last.weight.rows, last.weight.columns)
    let trained = work(
      .recording,
      adapters: { engine in
        let factors = LowRankFactors(
          down: engine.placeholder([rank, columns]), up: engine.placeholder([rows, rank]),
          scale: 1, isTrainable: true)
        return [last.name: [factors]]
      }
    ) { tape, engine in
      let found = velocity(tape, engine, ForwardOptions())
      let target = engine.placeholder(found.tensor.shape)
      tape.differentiate(tape.meanSquaredError(found, target: target))
    }
    #expect(
      trained.operations - plain.operations
        == Double(2 * pass.latent.rows * rank * (2 * columns + 3 * rows)))
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
