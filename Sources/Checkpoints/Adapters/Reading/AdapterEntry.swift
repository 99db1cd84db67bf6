internal import Checkpoints
internal import Tensors

extension AdapterFile {
  /// A module as the file names it.
  ///
  /// A value behind one reference, copied when it is changed and shared: the hundreds of modules of a file
  /// are handed from step to step.
  public struct Entry: Sendable {
    private var shared: Shared

    init(name: String) { shared = Shared(Fields(name: name)) }

    /// All that is known of it.
    private var fields: Fields {
      _read { yield unsafe shared.fields }
      _modify {
        if !isKnownUniquelyReferenced(&shared) { shared = unsafe Shared(shared.fields) }
        yield unsafe &shared.fields
      }
    }

    /// What ``fields`` lie in. They change only while nobody else holds it.
    private final class Shared: @unchecked Sendable {
      // So the program needn't look for overlapping accesses at each: there are dozens a module.
      @exclusivity(unchecked) var fields: Fields

      init(_ fields: Fields) { unsafe self.fields = fields }
    }

    private struct Fields {
      let name: String
      let parts: StemParts
      var dialect = "unknown"
      var paths: [String] = []
      var scale: Double?
      var scaleSource = AdapterModule.ScaleSource.assumed
      var scaleStatedBy: String?
      var suffix = ""
      var down: TensorView?
      var up: TensorView?
      var alpha: TensorView?
      var meaning: ModuleNames.Meaning?
      var kind: ModuleTemplate.Kind?
      var isPlain = true
      var rankOfMethod: Int?
      var sizesOfMethod: [[Int?]] = []
      var partsOfMethod: [String: TensorView] = [:]

      init(name: String) {
        self.name = name
        parts = AdapterDialects.shared.split(stem: name)
      }
    }
  }
}

extension AdapterFile.Entry {
  /// Its name in the file, without the ending: `lora_unet_double_blocks_0_img_attn_qkv`.
  public var name: String { fields.name }
  /// The component of a pipeline that it belongs to: `transformer`, `text_encoder`,
  /// `text_encoder_2`.
  public var component: String { fields.parts.prefix.component }
  /// What wrappers left in its name: `_orig_mod`.
  public var wrappers: [String] { fields.parts.wrappers }
  /// Its name taken apart: what stands before the path, and the path as the file has it.
  var fileName: (prefix: AdapterDialects.Prefix, path: String) {
    (fields.parts.prefix, fields.parts.path)
  }

  /// Short name of the dialect of its keys.
  public internal(set) var dialect: String {
    get { fields.dialect }
    set { fields.dialect = newValue }
  }
  /// The canonical paths it stands for, in the order of its rows; none when it isn't known.
  public internal(set) var paths: [String] {
    get { fields.paths }
    set { fields.paths = newValue }
  }
  /// Rank; nil when a factor is missing or misshapen, and for methods that have none.
  public var rank: Int? {
    guard let down, down.shape.count == 2 else { return fields.rankOfMethod }
    return down.shape[0]
  }
  /// alpha / rank, or what the header says; nil when it can't be known.
  public internal(set) var scale: Double? {
    get { fields.scale }
    set { fields.scale = newValue }
  }
  /// Who says so.
  public internal(set) var scaleSource: AdapterModule.ScaleSource {
    get { fields.scaleSource }
    set { fields.scaleSource = newValue }
  }
  /// What says so outside the tensors: `lora_adapter_metadata`, `adapter_config.json`, `the
  /// header's 'alpha'`.
  public internal(set) var scaleStatedBy: String? {
    get { fields.scaleStatedBy }
    set { fields.scaleStatedBy = newValue }
  }

  /// The endings of its factors; empty while only its alpha is known.
  var suffix: String {
    get { fields.suffix }
    set { fields.suffix = newValue }
  }
  var down: TensorView? {
    get { fields.down }
    set { fields.down = newValue }
  }
  var up: TensorView? {
    get { fields.up }
    set { fields.up = newValue }
  }
  var alpha: TensorView? {
    get { fields.alpha }
    set { fields.alpha = newValue }
  }
  var meaning: ModuleNames.Meaning? {
    get { fields.meaning }
    set { fields.meaning = newValue }
  }
  /// What kind of module it is; nil when it isn't known.
  var kind: ModuleTemplate.Kind? {
    get { fields.kind }
    set { fields.kind = newValue }
  }
  /// Whether up and down alone are its change.
  var isPlain: Bool {
    get { fields.isPlain }
    set { fields.isPlain = newValue }
  }
  /// The rank of a module that is adapted in another way.
  var rankOfMethod: Int? {
    get { fields.rankOfMethod }
    set { fields.rankOfMethod = newValue }
  }
  /// The sizes that multiply to the rows, and those that multiply to the columns, of a module that
  /// is adapted in another way; nil where no tensor gives one.
  var sizesOfMethod: [[Int?]] {
    _read { yield fields.sizesOfMethod }
    _modify { yield &fields.sizesOfMethod }
  }
  /// The tensors of a module that is adapted in another way, by what follows its name.
  var partsOfMethod: [String: TensorView] {
    _read { yield fields.partsOfMethod }
    _modify { yield &fields.partsOfMethod }
  }
}
