internal import DiffusionTransformers
internal import JSON
internal import PictureBenchmarks
internal import Reports
internal import SystemPackage

/// What an export tells.
struct ExportReport {
  let pictures: PictureSet
  /// Of a picture.
  let width: Int
  /// Pictures that were missing.
  let drawnCount: Int
  let passesPerPicture: Int

  private var count: Int { pictures.wanted.count }
  private var passCount: Int { drawnCount * passesPerPicture }
  private var scoring: String { pictures.scoring(width: width) }

  /// For people.
  var text: String {
    "drew \(Readable.count(drawnCount, "picture")) of \(Readable.count(count)) for "
      + "\(pictures.layout.title), the others were there; what each is: "
      + "\(SafeText.terminal(pictures.manifestPath.string))\n"
      + "score them in \(SafeText.terminal(pictures.folder.string)) with\n  \(scoring)\n"
      + "and give what that writes to glance-eval import \(pictures.arm)=FILE\n"
  }

  /// What `--dry-run` tells people.
  func text(dryRunWith pass: PassForecast) -> String {
    let seconds = pass.seconds()
    return
      "\(pictures.layout.title): \(Readable.count(pictures.promptCount, "prompt")), "
      + "\(Readable.count(count, "picture")) in \(Readable.count(pictures.files.count, "file")); "
      + "\(Readable.count(count - drawnCount)) are there, \(Readable.count(drawnCount)) to draw\n"
      + "\(passesPerPicture) forward passes (NFE) a picture, \(Readable.count(passCount)) in all\n"
      + "a pass is about \(Readable.duration(.seconds(seconds))) on this machine, all about "
      + "\(Readable.duration(.seconds(seconds * Double(passCount))))\n"
  }

  /// For programs.
  var json: JSONValue { .object(object) }

  /// What `--dry-run` tells programs.
  func json(dryRunWith pass: PassForecast) -> JSONValue {
    var object = object
    object["dry_run"] = true
    object["pass_seconds"] = .number(pass.seconds())
    return .object(object)
  }

  private var object: JSONObject {
    [
      "format": "glance-export/1", "benchmark": .string(pictures.layout.name),
      "arm": .string(pictures.arm), "prompts": .integer(Int64(pictures.promptCount)),
      "pictures": .integer(Int64(count)), "files": .integer(Int64(pictures.files.count)),
      "drawn": .integer(Int64(drawnCount)), "passes": .integer(Int64(passCount)),
      "manifest": .string(pictures.manifestPath.string), "scoring": .string(scoring),
    ]
  }
}
