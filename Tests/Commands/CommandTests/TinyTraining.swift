import SystemPackage
import TestSupport

/// The arguments of a small run on the shipped FLUX model, into `out` of a folder under the name `a`.
func tinyTraining(in folder: TemporaryFolder, _ more: [String]) -> [String] {
  [
    "--model", Fixtures.model("tiny-flux").string,
    "--image", Fixtures.model("sample").appending("00.png").string,
    "--caption", "a small blue circle", "--output", folder.path.appending("out").string,
    "--name", "a", "--rank", "2",
  ] + more
}
