internal import ArgumentParser
package import CommandSupport
internal import Compute
internal import Concurrency
internal import Drawing
internal import Files
internal import JSON
internal import OptionGroups
internal import Pictures
internal import Reports
internal import Schedules
internal import SystemPackage

/// What `glance-sample` runs.
package var sampleCommand: any Tool.Type { Sample.self }

struct Sample: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-sample",
    abstract: "Draw pictures from text, with Glance's slow and fast experts in one run.",
    discussion: """
      The slow expert takes the early, noisy steps, the fast one the rest; phase and schedule come \
      from the files of the adapters, or of the checkpoints that they were baked into. Without \
      adapters the model draws alone.
      """,
    examples: [
      (
        "Draw with both experts in a bundle, in 10 steps",
        "glance-sample --model FLUX.1-dev --adapter cat.safetensors --prompt \"a cat\" --output cat.png"
      ),
      (
        "The teacher: the model alone in 50 steps",
        "glance-sample --model FLUX.1-dev --schedule teacher:50 --prompt \"a cat\" --output cat.png"
      ),
      (
        "What glance-merge --phase both baked, small, from seed 7",
        "glance-sample --model FLUX.1-dev-cat --size 512x512 --seed 7 --prompt \"a cat\" --output cat.png"
      ),
      (
        "The same from two baked checkpoints, and the model's other components",
        "glance-sample --model FLUX.1-dev --transformer slow=slow.safetensors --transformer fast=fast.safetensors --prompt \"a cat\" --output cat.png"
      ),
      (
        "A picture again as it was drawn, with another seed, into the folder out",
        "glance-sample --model FLUX.1-dev --from cat.png --seed 8"
      ),
      (
        "Two prompts at three strengths of an adapter, as one labelled picture",
        "glance-sample --model FLUX.1-dev --adapter cat.safetensors --strengths 0,0.5,1 --prompt \"a cat\" --prompt \"a dog\" --grid grid.png"
      ),
      (
        "Of a picture, six tenths drawn anew",
        "glance-sample --model FLUX.1-dev --image photo.jpg --strength 0.6 --prompt \"a cat\""
      ),
    ])

  private static let defaultStrength = 0.6

  @Option(help: "What to draw; repeat for several pictures.")
  var prompt: [String] = []

  @Option(
    help: """
      A file with a prompt on every line, or - for standard input; # begins a comment, and behind a prompt may stand --n NEGATIVE, \
      --w and --h PIXELS, --d SEED, --l CFG, --g GUIDANCE.
      """, completion: .file())
  var prompts: FilePath?

  @Option(
    help: ArgumentHelp(
      "Draw as this picture was drawn, by the settings in it; options that are given go before them.",
      valueName: "picture.png"), completion: .file(extensions: ["png"]))
  var from: FilePath?

  @OptionGroup var drawing: DrawingOptions

  @Option(help: "Pictures of every prompt, with seeds that follow each other.")
  var count = 1

  @Option(
    help: ArgumentHelp(
      """
      Draw every picture at each of these, such as 0,0.5,1, by which strengths of adapters are \
      multiplied. Several --schedule draw it by each of them.
      """, valueName: "numbers"), transform: StrengthList.init(parsing:))
  var strengths: StrengthList?

  @Option(
    help: ArgumentHelp(
      """
      Also write all pictures as one, with labels: what varies last of prompts, seeds, strengths and \
      schedules in columns, the rest in rows.
      """, valueName: "file.png"), completion: .file(extensions: ["png"]))
  var grid: FilePath?

  @Option(
    name: [.long, .customLong("init-image")],
    help: "Start from this picture under noise, instead of from noise alone.", completion: .file())
  var image: FilePath?

  @Option(
    name: [.long, .customLong("denoise")],
    help: ArgumentHelp(
      """
      How much of --image is drawn anew: the share of the steps that are taken, above 0 and up to 1 \
      (default: \(defaultStrength)).
      """, valueName: "share"))
  var strength: Double?

  @Option(
    help: "Start from the noise in this file's tensor 'latents', one for each picture or for all.",
    completion: .file())
  var latents: FilePath?

  @Option(
    help: "Use the states in this file's tensors 'prompt_embeds' … instead of prompts.",
    completion: .file())
  var embeddings: FilePath?

  @Option(
    name: [.customShort("o"), .long],
    help: """
      A picture to write, FILE.png (several are numbered), a folder (0001-SEED.png and so on), or - for \
      standard output.
      """, completion: .file(extensions: ["png"]))
  var output: FilePath = "out"

  @Option(
    help: "Also write the finished latents, which the pictures are decoded from, to this file.",
    completion: .file())
  var saveLatents: FilePath?

  @Option(
    help: "Also write the noise that the pictures start from to this file, which --latents reads.",
    completion: .file())
  var saveNoise: FilePath?

  @Option(
    help: "Draw nothing: decode the finished latents in this file, which --save-latents wrote.",
    completion: .file())
  var decode: FilePath?

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  @OptionGroup var outputs: OutputOptions

  @OptionGroup(title: "Arithmetic") var arithmetic: ArithmeticOptions

  @OptionGroup(title: "Cache") var cache: CacheOptions

  @OptionGroup(title: "Common options") var common: CommonOptions

  mutating func validate() throws {
    let texts = [!prompt.isEmpty || prompts != nil, from != nil, embeddings != nil, decode != nil]
    guard texts.contains(true) else {
      throw ValidationError("Give --prompt, --prompts, --from, --embeddings or --decode.")
    }
    guard embeddings == nil || texts.count(where: \.self) == 1 else {
      throw ValidationError(
        "--embeddings stands for prompts: give it, or --prompt, --prompts and --from.")
    }
    guard decode == nil || texts.count(where: \.self) == 1 else {
      throw ValidationError("--decode draws nothing: it takes no prompt")
    }
    let others = [image, latents, saveLatents, saveNoise, grid]
    guard decode == nil || others.allSatisfy({ $0 == nil }) && count == 1 && strengths == nil
    else {
      throw ValidationError(
        "--decode draws nothing: it takes no --image, --latents, --count, --strengths, --grid, "
          + "--save-latents or --save-noise"
      )
    }
    if decode != nil, let option = drawing.given.first {
      throw ValidationError("--decode draws nothing: it takes no \(option)")
    }
    guard saveNoise == nil || saveNoise != saveLatents else {
      throw ValidationError("--save-noise, --save-latents: expected two files, found one")
    }
    guard (1...10_000).contains(count) else {
      throw ValidationError("--count: expected 1 to 10000, found \(count)")
    }
    if let strength {
      guard strength > 0, strength <= 1 else {
        throw ValidationError(
          "--strength: expected a number above 0 and up to 1, found \(strength)")
      }
      guard image != nil || from != nil else {
        throw ValidationError(
          "--strength: how much of --image is drawn anew; an adapter's stands behind its file, cat.safetensors:0.8"
        )
      }
    }
    guard output != "-" || !json else {
      throw ValidationError("--output: standard output takes the picture or --json, not both")
    }
    guard Set(drawing.schedule).count == drawing.schedule.count else {
      throw ValidationError("--schedule: expected different schedules, found one twice")
    }
    if let grid, grid.extension?.lowercased() != "png" || grid.isFolder {
      throw ValidationError("--grid: expected a name that ends in .png, found '\(grid)'")
    }
    for (option, file) in [("--save-latents", saveLatents), ("--save-noise", saveNoise)] {
      if let file, !OutputName.isFile(file) {
        throw ValidationError(
          "\(option): expected a name that ends in .safetensors, found '\(file)'")
      }
    }
  }

  static func prepare() {
    ProductKernels.settle()
    DeviceListing.answerIfAsked()
  }

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    try arithmetic.apply(threads: common.threadCount)
    Terminal.detail(ProductKernels.account)
    if let decode { return try decodeLatents(decode) }
    let batch = try self.batch()
    batch.tellNotes()
    let files = try SampleOutput(output, seeds: batch.seeds, overwrite: outputs.force)
    let whole = try grid.map { try DrawingGrid(batch, in: checked($0, beside: files)) }
    if batch.parts.count > 1, let file = saveLatents ?? saveNoise {
      throw ValidationError(
        "\(saveLatents == nil ? "--save-noise" : "--save-latents") \(file): expected pictures that are all "
          + "drawn in one way, found lines with settings of their own, or several strengths or schedules"
      )
    }
    if outputs.dryRun { return try Terminal.output(try dryRun(batch, files, whole)) }
    try files.check(also: [saveLatents, saveNoise, grid].compactMap(\.self))
    let records = try draw(batch, files, whole)
    if let saveNoise, let plan = batch.parts.first?.plan {
      try files.write(
        latents: plan.pictureCount, kind: SavedLatents.noise, settings: .object(plan.settings),
        to: saveNoise
      ) { try plan.noise(ofPicture: $0) }
    }
    guard !files.isStandardOutput else { return }
    try printResult(
      json: Self.json(records.map(\.json), whole),
      text: records.map { SampleReport(record: $0).text }.joined(separator: "\n"))
  }

  /// The grid's file, which must be no other file of the run.
  private func checked(_ grid: FilePath, beside files: SampleOutput) throws -> FilePath {
    let others =
      files.all
      + [image, from, latents, embeddings, prompts, saveLatents, saveNoise].compactMap(\.self)
    let other = others.first { $0.lexicallyNormalized() == grid.lexicallyNormalized() }
    if let other {
      throw ValidationError("--grid: expected a file of its own, found \(other), which the run has")
    }
    return grid
  }

  /// Draws all pictures, into their files and the grid.
  private func draw(
    _ batch: DrawingBatch, _ files: SampleOutput, _ grid: DrawingGrid?
  ) throws -> [DrawingRecord] {
    let progress = ProgressLine("drawing", total: batch.stepCount, unit: .steps)
    var (texts, records) = (EncodedTexts(), [DrawingRecord]())
    var grid = grid
    var (stepsBefore, told) = (0, Set<String>())
    let start = ContinuousClock.now
    if common.verbose { ProductMeter.start() }
    for part in batch.parts {
      var (record, latents) = (DrawingRecord(part.plan), [Tensor]())
      try part.plan.draw(&texts) { event in
        try Interruption.check()
        switch event {
        case .note(let note): if told.insert(note).inserted { Terminal.warn(note) }
        case .encoded(let kept, let all):
          Terminal.detail(
            "encoded by an earlier run: \(kept) of \(Readable.count(all, "text"))")
        case .steps(let done): progress.update(stepsBefore + done)
        case .drawn(let drawn):
          let place = part.places[drawn.index]
          try files.write(
            drawn.picture, place, settings: record.add(drawn, file: files.file(place)))
          grid?.place(drawn.picture, at: place)
          if saveLatents != nil { latents.append(drawn.latent) }
        }
      }
      if let saveLatents {
        try files.write(
          latents: latents.count, kind: SavedLatents.finished, settings: record.settingsOfLatents,
          to: saveLatents
        ) { latents[$0] }
      }
      stepsBefore += part.plan.stepCount
      records.append(record)
    }
    progress.finish()
    if let grid { try files.write(grid) }
    if common.verbose {
      let products = ProductMeter.reading
      Terminal.tellProducts(
        seconds: products.seconds, operations: products.operations,
        of: ContinuousClock.now - start)
    }
    return records
  }

  private func dryRun(
    _ batch: DrawingBatch, _ files: SampleOutput, _ grid: DrawingGrid?
  ) throws -> String {
    let parts = batch.parts.map { ($0.plan, $0.places.map(files.file)) }
    guard !json else {
      return try Self.json(parts.map(Self.dryRun), grid).text(.pretty) + "\n"
    }
    let texts = try parts.map { try $0.text(to: $1) }
    return (texts + [grid?.forecast].compactMap(\.self)).joined(separator: "\n")
  }

  private static func dryRun(_ plan: DrawingPlan, to files: [FilePath]) throws -> JSONValue {
    var object = try plan.json(dryRunTo: files).object ?? [:]
    object["device"] = try plan.residency()?.json ?? .null
    return .object(object)
  }

  /// One run's object, or several runs', with the grid of all.
  private static func json(_ runs: [JSONValue], _ grid: DrawingGrid?) -> JSONValue {
    var object =
      runs.count == 1
      ? runs[0].object ?? [:] : ["format": "glance-sample-runs/1", "runs": .array(runs)]
    object["grid"] = grid.map { .string($0.file.string) }
    return .object(object)
  }

  private func decodeLatents(_ file: FilePath) throws {
    let latents = try LatentDecoding(file, model: drawing.model)
    if latents.isFinished == false {
      Terminal.warn("\(file): says of its latents that they are noise, not finished pictures")
    }
    let files = try SampleOutput(
      output, seeds: Array(repeating: nil, count: latents.count), overwrite: outputs.force)
    guard !outputs.dryRun else {
      return try Terminal.output(
        json
          ? Self.decodingJSON(files, isDone: false).text(.pretty) + "\n"
          : "decodes \(Readable.count(latents.count, "picture")) to "
            + "\(SafeText.terminal(files.file(0).string))\(latents.count > 1 ? " …" : "")\n")
    }
    try files.check(also: [])
    for index in 0..<latents.count {
      try Interruption.check()
      let (picture, settings) = try latents.picture(index)
      try files.write(picture, index, settings: settings)
    }
    guard !files.isStandardOutput else { return }
    try printResult(
      json: Self.decodingJSON(files, isDone: true),
      text: files.all.map { SafeText.terminal($0.string) + "\n" }.joined())
  }

  private static func decodingJSON(_ files: SampleOutput, isDone: Bool) -> JSONValue {
    [
      "format": "glance-sample-decoding/1", "dry_run": .bool(!isDone),
      "pictures": .array(files.all.map { JSONValue.string($0.string) }),
    ]
  }

  private func batch() throws -> DrawingBatch {
    var lines = prompt.map { PromptLine($0) }
    if let prompts { lines += try PromptFile.prompts(of: prompts) }
    let drawn = try from.map {
      try drawing.settings(of: $0, hasImage: image != nil, hasNoise: latents != nil)
    }
    if let drawn {
      if lines.isEmpty { lines = [PromptLine(drawn.prompt)] }
      for note in drawn.notes { Terminal.warn(note) }
    }
    var request = try drawing.request(prompts: [], as: drawn)
    request.picturesPerPrompt = count
    if let file = image ?? drawn?.image?.file {
      request.image = .init(
        file: file, strength: strength ?? drawn?.image?.strength ?? Self.defaultStrength)
    }
    request.latents = latents
    request.embeddings = embeddings
    request.cache = cache.open()
    let variation = DrawingVariation(
      strengths: strengths?.factors ?? [], schedules: drawing.schedule)
    if strengths != nil, request.adapters.isEmpty {
      throw ValidationError(
        "--strengths: multiplies the strengths of adapters; give --adapter")
    }
    do { return try DrawingBatch(request, lines: lines, varying: variation) } catch {
      throw Misplacement.explained(error, request)
    }
  }
}

extension DrawingBatch {
  /// What the noise of each picture is made from, in the order of the pictures.
  fileprivate var seeds: [UInt64?] {
    var seeds = [UInt64?](repeating: nil, count: pictureCount)
    for part in parts {
      for (index, place) in part.places.enumerated() {
        seeds[place] = part.plan.seed(ofPicture: index)
      }
    }
    return seeds
  }

  /// Steps of all pictures.
  fileprivate var stepCount: Int { parts.reduce(0) { $0 + $1.plan.stepCount } }
}

extension DrawingGrid {
  /// What a dry run tells of it.
  fileprivate var forecast: String {
    "grid of \(Readable.count(labels.rows.count, "row")) and "
      + "\(Readable.count(labels.columns.count, "column")) to \(SafeText.terminal(file.string))\n"
  }
}

extension DrawingPlan {
  /// Steps of all its pictures.
  fileprivate var stepCount: Int { pictureCount * walk.steps.count }
}
