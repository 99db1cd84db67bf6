public import AdapterAlgebra
public import Adapters
internal import Checkpoints
public import Elements
internal import Files
public import SystemPackage

/// An adapter brought into another dialect: exactly, but for what is no LoRA and is asked to be the closest one.
public struct AdapterConversion: Sendable {
  /// What is read.
  public let input: FilePath
  /// What is written: one safetensors file.
  public let output: FilePath
  /// The file as it is.
  public let file: AdapterFile
  /// What its keys mean.
  public let adapter: Adapter
  /// The dialect that is written.
  public let dialect: String
  /// What the closest LoRAs keep of changes that are none exactly; nil where none was asked for.
  public let ranks: RankReport?
  /// How changes are read that are no plain LoRA.
  let otherMethods: AdapterReadingOptions.OtherMethods
  /// How it is written.
  let options: AdapterWritingOptions
  /// What is left out, each named.
  let leftOut: [String]
  /// What scales are baked into.
  let baked: [BakedFactors]

  /// How an adapter is to be converted.
  public struct Request: Sendable {
    /// The dialect to write; nil keeps the file's where it can be written, else diffusers'.
    public var dialect: String?
    /// How the scale is carried.
    public var alpha = AdapterWritingOptions.AlphaPolicy.bake
    /// The alpha to take where the file says nothing; nil means alpha = rank.
    public var assumedAlpha: Double?
    /// Element type of the factors; nil keeps each module's own.
    public var dtype: DType?
    /// The family that the adapter is for, whatever its file says; nil for what that tells.
    public var family: String?
    /// The rank of the closest LoRA of every change that is none exactly; nil refuses these.
    public var rank: Int?
    /// Whether keys that are no module's, and text encoders that the dialect has no form for, are
    /// left out instead of refusing the file.
    public var isPartial = false
    /// Whether an existing output may be replaced.
    public var overwrite = false

    /// The scale baked, strict.
    public init() {}
  }

  /// Reads an adapter and decides how it is written; writes nothing.
  public init(
    _ input: FilePath, to output: FilePath, _ request: Request
  ) throws {
    guard OutputName.isFile(output) else {
      throw ConversionError.usage(
        "--output: an adapter is one .safetensors file, found '\(output)'")
    }
    if let dtype = request.dtype, ![.f32, .bf16, .f16].contains(dtype) {
      throw ConversionError.usage("--dtype: adapters are stored as f32, bf16 or f16")
    }
    var reading = AdapterReadingOptions()
    reading.isPartial = request.isPartial
    reading.includesTextEncoders = true
    if request.rank != nil { reading.otherMethods = .asLoRAOfAnySize }
    var adapter: Adapter
    let family = try ModelFamily.given(request.family)
    let opened = try AdapterInput(
      opening: input, assumedAlpha: request.assumedAlpha, family: family)
    guard case .adapter(let read) = opened.content else { throw Self.isBundle(input) }
    file = read
    let dialect = request.dialect ?? Self.dialect(keeping: file)
    if request.rank == nil, let whole = try read.adapterWithChanges(reading, heldBy: dialect) {
      adapter = whole
      reading.otherMethods = .asLoRAOrAsTheyAre
    } else {
      adapter = try read.adapter(reading)
    }
    otherMethods = reading.otherMethods
    ranks = try request.rank.map { rank in
      let closest = try adapter.resized(to: .rank(rank), only: read.modulesWithoutExactForm)
      adapter = closest.adapter
      return closest.report
    }
    var leftOut = file.leftOut(reading).map { "left out: \($0.whatIsLeftOut)" }
    if request.isPartial {
      for component in adapter.textEncodersWithoutForm(in: dialect) {
        let count = adapter.textEncoders.removeValue(forKey: component)?.count ?? 0
        leftOut.append(
          "left out: \(component) (modules: \(count)), for which dialect '\(dialect)' has no form")
      }
    }
    guard !adapter.components.isEmpty else {
      throw ConversionError.unsupported(
        file: input, detail: "nothing is left that dialect '\(dialect)' can hold")
    }
    self.adapter = adapter
    self.leftOut = leftOut
    self.input = input
    self.output = output
    self.dialect = dialect
    var options = AdapterWritingOptions()
    options.form = .dialect(dialect)
    options.alpha = request.alpha
    options.dtype = request.dtype
    options.overwrite = request.overwrite
    self.options = options
    baked = try adapter.check(options, to: output)
  }

  /// A bundle has no dialect: its experts are separate adapters.
  private static func isBundle(_ file: FilePath) -> ConversionError {
    .unsupported(
      file: file,
      detail: "a bundle of experts; glance-merge --mode split makes an adapter of each first")
  }

  /// The file's only dialect where it can be written, else diffusers'.
  private static func dialect(keeping file: AdapterFile) -> String {
    guard file.dialects.count == 1, let name = file.dialects.first?.name,
      Adapter.writableDialects.contains(name)
    else { return "diffusers" }
    return name
  }

  /// Writes the adapter and reads it back.
  public func write() throws {
    try adapter.write(to: output, options)
  }
}

extension AdapterFile {
  /// The adapter with what it changes besides low-rank pairs; nil where it changes nothing else, or a dialect
  /// has no form for some of that.
  fileprivate func adapterWithChanges(
    _ reading: AdapterReadingOptions, heldBy dialect: String
  ) throws -> Adapter? {
    guard !modulesWithoutExactForm.isEmpty else { return nil }
    var reading = reading
    reading.otherMethods = .asLoRAOrAsTheyAre
    let adapter = try adapter(reading)
    return adapter.changes.isEmpty || !adapter.changesWithoutForm(in: dialect).isEmpty
      ? nil : adapter
  }
}
