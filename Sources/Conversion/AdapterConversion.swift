public import Adapters
internal import Checkpoints
public import SystemPackage
public import Tensors

/// An adapter brought into another dialect, exactly.
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
  /// Whether the request says what alpha to take where the file says nothing.
  private let isAlphaGiven: Bool
  /// How it is written.
  private let options: AdapterWritingOptions

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
    /// Whether keys that are no module's are left out instead of refusing the file.
    public var isPartial = false
    /// Whether an existing output may be replaced.
    public var overwrite = false

    /// The scale baked, strict.
    public init() {}
  }

  /// Reads an adapter and decides how it is written; writes nothing.
  public init(
    _ input: FilePath, to output: FilePath, _ request: Request
  ) throws(ConversionError) {
    guard output.extension == "safetensors" else {
      throw .usage("--output: an adapter is one .safetensors file, found '\(output)'")
    }
    if let dtype = request.dtype, ![.f32, .bf16, .f16].contains(dtype) {
      throw .usage("--dtype: adapters are stored as f32, bf16 or f16")
    }
    var reading = AdapterReadingOptions()
    reading.assumedAlpha = request.assumedAlpha
    reading.isPartial = request.isPartial
    do {
      file = try AdapterFile(opening: input)
      adapter = try file.adapter(reading)
    } catch { throw .adapter(error) }
    self.input = input
    self.output = output
    isAlphaGiven = request.assumedAlpha != nil
    dialect = request.dialect ?? Self.dialect(keeping: file)
    var options = AdapterWritingOptions()
    options.form = .dialect(dialect)
    options.alpha = request.alpha
    options.dtype = request.dtype
    options.overwrite = request.overwrite
    self.options = options
  }

  /// The file's only dialect where it can be written, else diffusers'.
  private static func dialect(keeping file: AdapterFile) -> String {
    guard file.dialects.count == 1, let name = file.dialects.first?.name,
      Adapter.writableDialects.contains(name)
    else { return "diffusers" }
    return name
  }

  /// What a person should know: where the scale comes from, what is not carried over.
  public var notes: [String] {
    var scales: [Double] = []
    var notes: [String] = []
    for problem in file.problems where !problem.isError {
      switch problem {
      case .alphaAssumed where isAlphaGiven: break
      case .scaleOnlyInHeader(let scale): scales.append(scale)
      default: notes.append(problem.description)
      }
    }
    if scales.count == 1 {
      notes.append(AdapterProblem.scaleOnlyInHeader(scale: scales[0]).description)
    } else if let least = scales.min(), let largest = scales.max() {
      notes.append(
        "scales of \(Float(least)) to \(Float(largest)) are only in the header, which ComfyUI and kohya's "
          + "scripts don't read: they would apply 1")
    }
    return notes
  }

  /// Writes the adapter and reads it back.
  public func write() throws(ConversionError) {
    do { try adapter.write(to: output, options) } catch { throw .adapter(error) }
  }
}
