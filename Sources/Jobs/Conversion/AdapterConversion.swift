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
  /// What it took to make it a difference to a base's own weights; nil where it is one.
  public let baseFactors: BaseFactorsReport?
  /// How changes are read that are no plain LoRA.
  let otherMethods: AdapterReadingOptions.OtherMethods
  /// How it is written.
  let options: AdapterWritingOptions
  /// The problems for which something is left out instead of refusing the file.
  let tolerated: [AdapterProblem]
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
    /// The model that an adapter began with factors of (PiSSA, OLoRA); nil refuses these.
    public var base: FilePath?
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
  ///
  /// - Parameters:
  ///   - input: a file, or the folder that PEFT saved.
  ///   - output: one safetensors file.
  ///   - request: what is asked for.
  ///   - progress: called with the bytes of every weight of the base before it is decomposed.
  /// - Throws: what refuses the adapter, or what it is to be written as.
  public init(
    _ input: FilePath, to output: FilePath, _ request: Request,
    progress: (Int) throws -> Void = { _ in }
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
    reading.includesBaseFactors = request.base != nil
    if request.rank != nil { reading.otherMethods = .asLoRAOfAnySize }
    var adapter: Adapter
    let family = try ModelFamily.given(request.family)
    let opened = try AdapterInput(
      opening: input, assumedAlpha: request.assumedAlpha, family: family)
    guard case .adapter(let read) = opened.content else { throw Self.isBundle(input) }
    file = read
    let dialect = request.dialect ?? Self.dialect(keeping: file)
    var options = AdapterWritingOptions()
    options.form = .dialect(dialect)
    options.alpha = request.alpha
    options.dtype = request.dtype
    options.overwrite = request.overwrite
    self.options = options
    var formless: [ParameterChange] = []
    adapter = try Self.adapter(read, &reading, as: options, to: output, in: dialect, &formless)
    otherMethods = reading.otherMethods
    (adapter, baseFactors) = try Self.difference(
      adapter, to: request.base, of: read, progress: progress)
    ranks = try request.rank.map { rank in
      let closest = try adapter.resized(
        to: .rank(rank), only: request.base == nil ? read.modulesOfAnyRank : nil)
      adapter = closest.adapter
      return closest.report
    }
    tolerated = file.leftOut(reading)
    var leftOut = tolerated.map { "left out: \($0.whatIsLeftOut)" }
    if let first = formless.first {
      let more = formless.count > 1 ? " and of \(formless.count - 1) more" : ""
      leftOut.append(
        "left out: \(first.method) of '\(first.name)'\(more), for which dialect '\(dialect)' has no form"
      )
    }
    if request.isPartial {
      for component in adapter.textEncodersWithoutForm(in: dialect) {
        let count = adapter.textEncoders.removeValue(forKey: component)?.paths.count ?? 0
        leftOut.append(
          "left out: \(component) (modules: \(count)), for which dialect '\(dialect)' has no form")
      }
    }
    baked = try adapter.check(options, to: output)
    guard !adapter.includingPairsOfLengths.components.isEmpty else {
      throw ConversionError.unsupported(
        file: input, detail: "nothing is left that dialect '\(dialect)' can hold")
    }
    self.adapter = adapter
    self.leftOut = leftOut
    self.input = input
    self.output = output
    self.dialect = dialect
  }

  /// A bundle has no dialect: its experts are separate adapters.
  private static func isBundle(_ file: FilePath) -> ConversionError {
    .unsupported(
      file: file,
      detail: "a bundle of experts; glance-merge --mode split makes an adapter of each first")
  }

  /// An adapter with all that a dialect has a form for, or what is a plain LoRA of it.
  private static func adapter(
    _ file: AdapterFile, _ reading: inout AdapterReadingOptions, as options: AdapterWritingOptions,
    to output: FilePath, in dialect: String, _ formless: inout [ParameterChange]
  ) throws -> Adapter {
    guard let whole = try file.adapterWithChanges(reading, heldBy: dialect) else {
      if reading.isPartial, file.changesMore {
        // What the dialect holds of the changes stays, where it can be written without the others.
        var keeping = reading
        keeping.otherMethods = reading.otherMethods.keepingOthers
        let (kept, left) = try file.adapter(keeping).keepingForms(of: dialect)
        let plain = kept.hasChanges ? nil : try? file.adapter(reading)
        if plain == nil, !kept.includingPairsOfLengths.components.isEmpty,
          (try? kept.check(options, to: output)) != nil
        {
          (reading, formless) = (keeping, left)
          return kept
        }
      }
      return try file.adapter(reading)
    }
    if reading.isPartial {
      do { try whole.check(options, to: output) } catch {
        // What can't be written as it stands is left out, where something is left.
        guard let plain = try? file.adapter(reading) else { throw error }
        return plain
      }
    }
    reading.otherMethods = reading.otherMethods.keepingOthers
    return whole
  }

  /// An adapter as a difference to a base's own weights.
  private static func difference(
    _ adapter: Adapter, to base: FilePath?, of file: AdapterFile,
    progress: (Int) throws -> Void
  ) throws -> (Adapter, BaseFactorsReport?) {
    guard let base else { return (adapter, nil) }
    guard let known = file.baseFactors else {
      throw ConversionError.usage(
        "--base: for adapters whose first factors were taken out of the base's weights (PiSSA, OLoRA), and "
          + "'\(file.path)' doesn't say that its were")
    }
    return try adapter.subtracting(
      known, of: OpenedCheckpoint(opening: base), progress: progress)
  }

  /// The file's only dialect where any adapter can be written in it, else diffusers'.
  private static func dialect(keeping file: AdapterFile) -> String {
    guard file.dialects.count == 1, let name = file.dialects.first?.name,
      Adapter.dialectsOfAnyAdapter.contains(name)
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
    guard changesMore else { return nil }
    var reading = reading
    reading.otherMethods = reading.otherMethods.keepingOthers
    let adapter = try adapter(reading)
    // Who asks for closest LoRAs where there are weights of given lengths alone means these, which have none.
    let isRefused =
      adapter.hasLengths && modulesOfAnyRank.isEmpty
      && reading.otherMethods == .asLoRAOfAnySizeOrAsTheyAre
    return !adapter.hasChanges || isRefused || !adapter.changesWithoutForm(in: dialect).isEmpty
      ? nil : adapter
  }
}
